//! The program itself, as people and pipelines call it.

mod answers;
mod double;
mod exit_codes;
mod import;
mod render;
mod routes;
mod served;
mod store;
mod texts;
mod words;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// A folder with settings and rules, and the program run in it.
pub struct Place {
    folder: TempDir,
}

/// What came back.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    /// Settings with one cluster `main` at `url`; more sections may follow.
    pub fn new(url: &str, rules: &str, more: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.write(
            "config/highwater.yaml",
            &format!("clusters: {{ main: {{ urls: [\"{url}\"], timeout: 2s }} }}\n{more}\n"),
        );
        place.write("rules/all.yaml", rules);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        command(self.folder.path(), args)
    }

    pub fn run(&self, args: &[&str]) -> Said {
        said(self.command(args).output().unwrap())
    }
}

pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
    command
        .args(args)
        .current_dir(folder)
        .env_remove("HIGHWATER_CONFIG")
        .env_remove("COLUMNS")
        .env_remove("NO_COLOR");
    command
}

pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code().expect("it ended by itself"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A rule over an index whose name says what [`double`] answers about it.
pub fn ratio(id: &str, index: &str, no_data: &str) -> String {
    format!(
        "  - id: {id}
    check: {{ ratio: {{ index: {index}, time_field: \"@timestamp\", window: 15m, numerator: \"code:500\" }} }}
    schedule: every 1m
    levels: {{ info: above 5%, warning: above 10%, critical: above 50% }}
    no_data: {no_data}
    notify: [log]
"
    )
}

pub const LOG: &str = "sinks: { log: { stdout: {} } }";
