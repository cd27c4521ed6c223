//! Where the engine, its Java and its user come from.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use super::spec::Product;
use crate::support::not_run::NotRun;

/// What it takes to start a node.
#[derive(Debug, Clone)]
pub struct Installation {
    pub home: PathBuf,
    pub java: PathBuf,
    /// The user to become, where we are root: an engine refuses to run as root.
    pub user: Option<String>,
}

const USER: &str = "highwater-test";

/// One at a time in this process; the script itself is safe between processes.
static TURN: Mutex<()> = Mutex::new(());

impl Installation {
    pub fn of(product: Product) -> Result<Installation, NotRun> {
        let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let java = script(product.java())?;
        let home = script(product.name())?;
        let user = if is_root() { Some(user()?) } else { None };
        Ok(Installation { home, java, user })
    }

    /// The words before a command that make it run as the engine's user.
    pub fn prefix(&self) -> Vec<String> {
        let Some(user) = &self.user else { return Vec::new() };
        let words = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--"];
        words.map(str::to_owned).to_vec()
    }

    pub fn give(&self, folder: &Path) {
        if let Some(user) = &self.user {
            let done = Command::new("chown").args(["-R", &format!("{user}:")]).arg(folder).status();
            assert!(done.expect("chown starts").success(), "chown of {}", folder.display());
        }
    }
}

pub fn script(argument: &str) -> Result<PathBuf, NotRun> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/fetch-engine");
    let output = Command::new(script).arg(argument).stdin(Stdio::null()).output();
    let output = output.map_err(|error| NotRun::Missing(format!("scripts/fetch-engine: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or("scripts/fetch-engine failed without a word");
        return Err(NotRun::Missing(last.to_owned()));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id starts");
    id.stdout == b"0\n"
}

fn user() -> Result<String, NotRun> {
    let exists = || Command::new("id").arg(USER).output().is_ok_and(|id| id.status.success());
    if !exists() {
        Command::new("useradd").args(["-m", "-r", USER]).output().ok();
    }
    if exists() {
        return Ok(USER.to_owned());
    }
    Err(NotRun::Missing(format!("engines refuse to run as root and the user {USER} could not be created")))
}
