//! The real binary: asked once, and running as a daemon.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{channel::Channel, paint, support::engine::Engine};

/// How to start it, and where it keeps what it remembers.
#[derive(Debug)]
pub struct Highwater {
    program: PathBuf,
    tree: PathBuf,
    store: PathBuf,
    log: PathBuf,
    cluster: String,
    channel: String,
}

impl Highwater {
    pub fn new(folder: &Path, engine: &Engine, channel: &Channel) -> Highwater {
        // the demo is target/debug/examples/demo, the binary one folder up
        let own = std::env::current_exe().expect("our own path");
        let debug = own.parent().and_then(Path::parent).expect("a folder above examples");
        Highwater {
            program: debug.join("highwater"),
            tree: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
            store: folder.join("highwater.db"),
            log: folder.join("highwater.log"),
            cluster: format!("clusters.main.urls=[\"{}\"]", engine.url(0)),
            channel: channel.url.clone(),
        }
    }

    /// `command` with the shipped settings and rules: all but the cluster's address is as it comes.
    pub fn shipped(&self, command: &str) -> Command {
        self.with("config/highwater.yaml", "rules", command)
    }

    /// `command` with the demo's settings and rules.
    pub fn short(&self, command: &str) -> Command {
        self.with("examples/demo/highwater.yaml", "examples/demo/rules.yaml", command)
    }

    fn with(&self, config: &str, rules: &str, command: &str) -> Command {
        let mut highwater = Command::new(&self.program);
        let store = format!("store.sqlite.path={}", self.store.display());
        highwater.args([
            command,
            "--config",
            config,
            "--rules",
            rules,
            "--set",
            &self.cluster,
            "--set",
            &store,
        ]);
        highwater.args(["--color", if paint::is_coloured() { "always" } else { "never" }]);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HIGHWATER_")) {
            highwater.env_remove(name);
        }
        highwater.env("DEMO_CHANNEL", &self.channel).current_dir(&self.tree);
        highwater
    }

    /// Runs a command to its end, shows what it says, and returns its exit code.
    pub async fn show(&self, mut command: Command) -> Result<i32, String> {
        let output = tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).output());
        let output =
            output.await.expect("no panic").map_err(|error| format!("highwater does not start: {error}"))?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let text: String = said.trim_end().lines().map(|line| format!("\n  {line}")).collect();
        println!("{text}");
        output.status.code().ok_or_else(|| "highwater was killed".to_owned())
    }

    pub fn start(&self) -> Result<Daemon, String> {
        let log = File::create(&self.log).map_err(|error| error.to_string())?;
        let child = self.short("run").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let child = child.map_err(|error| format!("highwater does not start: {error}"))?;
        Ok(Daemon { child, log: self.log.clone() })
    }
}

/// The running daemon; it is gone when dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Stops it as an operator would, and says whether it left in peace.
    pub async fn stop(&mut self) -> Result<(), String> {
        let id = self.child.id().to_string();
        Command::new("kill").arg(&id).status().expect("kill starts");
        for _ in 0..150 {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                return if status.success() { Ok(()) } else { Err(format!("{status}\n{}", self.said())) };
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err("highwater did not stop within 15 s".to_owned())
    }

    pub fn said(&self) -> String {
        let mut text = String::new();
        File::open(&self.log).and_then(|mut log| log.read_to_string(&mut text)).ok();
        text
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
