//! The program: a command line in, an exit code out.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    // an error says that one is installed already
    drop(rustls::crypto::ring::default_provider().install_default());
    highwater::cli::main(env::args_os())
}
