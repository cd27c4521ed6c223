//! The main job, live: a real Elasticsearch, real traffic, a real daemon, and a channel in which its messages arrive.
//!
//! Starts everything it needs on ports of its own, ends by itself, and leaves nothing behind.

#![expect(clippy::expect_used, reason = "a demo ends where it was wrong, and says where")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a demo is for people")]

#[expect(dead_code, unused_imports, reason = "shared with the integration tests; each uses a part")]
mod support;

mod channel;
mod highwater;
mod paint;
mod story;
mod traffic;

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

/// A newcomer's patience; a demo that hangs is worse than one that says so.
const AT_MOST: std::time::Duration = std::time::Duration::from_secs(170);

#[tokio::main]
async fn main() -> ExitCode {
    let mut term = signal(SignalKind::terminate()).expect("a signal handler");
    // whatever ends the story drops it, and with it every process and folder that it made
    tokio::select! {
        told = tokio::time::timeout(AT_MOST, story::tell()) => match told {
            Ok(Ok(())) => ExitCode::SUCCESS,
            Ok(Err(why)) => wrong(&why),
            Err(_) => wrong("it took too long"),
        },
        _ = tokio::signal::ctrl_c() => interrupted(),
        _ = term.recv() => interrupted(),
    }
}

fn wrong(why: &str) -> ExitCode {
    eprintln!("\nthe demo could not go on: {why}");
    ExitCode::FAILURE
}

fn interrupted() -> ExitCode {
    println!("\nstopped; cleaning up");
    ExitCode::from(130)
}
