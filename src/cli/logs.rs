//! What a command says beside its answer. The daemon's own log is set up by its settings.

use std::{
    env,
    io::{self, IsTerminal},
};

use tracing_subscriber::filter::LevelFilter;

/// Warnings go to standard error; `-v` and `-vv` say more.
pub fn start(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let colours = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_ansi(colours)
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_target(false)
        .without_time()
        .init();
}
