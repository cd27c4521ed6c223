//! What a command says beside its answer. The daemon's own log is set up by its settings.

use std::io;

use tracing_subscriber::filter::LevelFilter;

/// Warnings go to standard error; `-v` and `-vv` say more.
pub fn start(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_target(false)
        .without_time()
        .init();
}
