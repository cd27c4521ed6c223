//! Tests that could not run here, and why. Such a test fails where `CI=true`; elsewhere it is written down,
//! and `make test` ends by reading the list aloud.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

/// Why a test has nothing to look at.
#[derive(Debug, Clone)]
pub enum NotRun {
    /// The machine lacks something (root, a JDK, a download): a failure in CI.
    Missing(String),
    /// The chosen engine has no such feature: never a failure.
    NotApplicable(String),
}

impl NotRun {
    fn reason(&self) -> &str {
        match self {
            NotRun::Missing(reason) | NotRun::NotApplicable(reason) => reason,
        }
    }
}

/// Writes down that the running test could not look, or fails it in CI.
pub fn record(why: &NotRun) {
    let test = std::thread::current().name().unwrap_or("(a test)").to_owned();
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    if let (NotRun::Missing(reason), true) = (why, in_ci) {
        panic!("not run: {reason}");
    }
    let line = format!("{test} on {}: {}\n", super::engine::Product::chosen().name(), why.reason());
    eprint!("not run: {line}");
    let mut list =
        OpenOptions::new().create(true).append(true).open(list()).expect("the list of tests not run");
    list.write_all(line.as_bytes()).expect("one line more");
}

fn list() -> PathBuf {
    std::env::var_os("HIGHWATER_NOT_RUN")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/not-run.txt"), PathBuf::from)
}

/// The value, or the reason written down and `None`.
pub fn or_not_run<T>(outcome: Result<T, NotRun>) -> Option<T> {
    outcome.inspect_err(record).ok()
}
