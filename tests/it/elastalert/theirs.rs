//! ElastAlert2, run over the past.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::{RULES, documents};
use crate::support::not_run::NotRun;

const REPLAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/elastalert/replay.py");

/// What it found: for each rule the looks at which it matched, and the group of each match.
#[derive(Debug, Deserialize)]
pub struct Theirs {
    pub matches: BTreeMap<String, Vec<Match>>,
    pub errors: Vec<String>,
}

/// The look, and the group if the rule has some.
type Match = (DateTime<Utc>, Option<String>);

/// A folder with ElastAlert2 in it, downloaded where need be.
pub fn fetched() -> Result<PathBuf, NotRun> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/fetch-receiver");
    let output = Command::new(script).arg("elastalert-2.31.0").stdin(Stdio::null()).output();
    let output = output.map_err(|error| NotRun::Missing(format!("scripts/fetch-receiver: {error}")))?;
    if output.status.success() {
        return Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or("scripts/fetch-receiver failed without a word");
    Err(NotRun::Missing(last.to_owned()))
}

/// Its `config.yaml`, which the import reads as well.
pub fn configure(folder: &Path, url: &str) -> PathBuf {
    let (host, port) = url.trim_start_matches("http://").rsplit_once(':').expect("host and port");
    let config = folder.join("config.yaml");
    let text = format!(
        "rules_folder: {RULES}\nrun_every: {{ minutes: 1 }}\nbuffer_time: {{ minutes: 15 }}\nes_host: {host}\nes_port: {}\nwriteback_index: elastalert\n",
        port.trim_end_matches('/')
    );
    fs::write(&config, text).expect("a file");
    config
}

/// It runs beside us.
pub struct Replay {
    child: Child,
}

pub fn start(venv: &Path, config: &Path) -> Replay {
    let end = documents::start() + TimeDelta::minutes(documents::MINUTES);
    let child = Command::new(venv.join("bin/python"))
        .args([Path::new(REPLAY), config])
        .args([documents::START, &end.to_rfc3339()])
        // this build of Elasticsearch does not answer `GET /`, where ElastAlert looks for the version
        .envs([("ES_VERSION", "8.19.16"), ("PYTHONWARNINGS", "ignore")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python starts");
    Replay { child }
}

impl Replay {
    pub fn finished(self) -> Theirs {
        let output = self.child.wait_with_output().expect("python ends");
        let said = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
    }
}
