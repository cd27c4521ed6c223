//! The command line: one file per subcommand. What people see of highwater beside its messages.

mod alerts;
pub mod args;
mod check;
mod completions;
mod given;
mod import;
mod load;
mod logs;
mod mute;
mod out;
mod paint;
mod render;
mod routes;
mod rules;
mod run;
mod setup;
mod silences;
mod sinks;
pub mod stop;
mod table;
mod unmute;
mod validate;
mod words;

use std::{ffi::OsString, io, panic, process::ExitCode};

use clap::Parser;
use tokio::runtime::Runtime;

use self::{
    args::{Cli, Command},
    out::Out,
    paint::Tone,
    stop::{Code, Stop},
};
use crate::{model::wording::calm, threads};

/// Does what the command line asks, and says how it went.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return misread(&error),
    };
    let out = Out::new(cli.global.color);
    match panic::catch_unwind(|| dispatch(cli, out)) {
        // the panic has said on standard error what it was
        Err(_) => Code::Fault.into(),
        Ok(Ok(code)) => code,
        Ok(Err(stop)) => {
            complain(&stop, out);
            stop.code().into()
        }
    }
}

/// Help and version are asked for; anything else is a mistake.
fn misread(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    match (error.use_stderr(), printed) {
        (true, _) => Code::Usage.into(),
        (false, Ok(())) => Code::Fine.into(),
        (false, Err(_)) => Code::Io.into(),
    }
}

fn dispatch(cli: Cli, out: Out) -> Result<ExitCode, Stop> {
    let Cli { global, command } = cli;
    // the daemon's log is its settings' business
    if !matches!(command, Command::Run(_)) {
        logs::start(global.verbose);
    }
    match command {
        Command::Run(args) => run::run(&global, &args),
        Command::Check(args) => check::run(&global, &args, out),
        Command::Validate => validate::run(&global, out),
        Command::Rules => rules::run(&global, out),
        Command::Alerts(args) => alerts::run(&global, &args, out),
        Command::Mute(args) => mute::run(&global, args, out),
        Command::Unmute(args) => unmute::run(&global, &args, out),
        Command::Silences { format } => silences::run(&global, format, out),
        Command::Routes(args) => routes::run(&global, args.way.as_ref(), out),
        Command::Sinks(args) => sinks::run(&global, args, out),
        Command::Render(args) => render::run(&global, &args, out),
        Command::Import(args) => import::run(&global, &args.from, out),
        Command::Setup(args) => setup::run(&global, &args, out),
        Command::Completions { shell } => completions::run(shell, out),
    }
}

fn complain(stop: &Stop, out: Out) {
    match stop {
        Stop::Unheard => {}
        Stop::Complaints(complaints) => {
            Out::note(&complaints.render(out.coloured()));
            let mistakes = words::count(complaints.errors(), "mistake");
            Out::note(&format!("{} {mistakes}\n", Tone::Critical.paint("error:")));
        }
        other => {
            let lines: Vec<String> = other.to_string().lines().map(calm).collect();
            Out::note(&format!("{} {}\n", Tone::Critical.paint("error:"), lines.join("\n")));
        }
    }
}

/// Runs what has to wait for others.
fn block_on<T>(work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
    with_threads(threads::of_a_command())?.block_on(work)
}

fn with_threads(runtime: io::Result<Runtime>) -> Result<Runtime, Stop> {
    runtime.map_err(|error| Stop::Fault(format!("no threads: {error}")))
}
