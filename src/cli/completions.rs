//! `completions`: what a shell needs to complete our commands.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::{
    args::Cli,
    out::Out,
    stop::{Code, Stop},
};

pub fn run(shell: Shell, out: Out) -> Result<ExitCode, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "highwater", &mut script);
    out.print(&String::from_utf8_lossy(&script))?;
    Ok(Code::Fine.into())
}
