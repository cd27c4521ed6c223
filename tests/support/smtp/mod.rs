//! A real mail server, aiosmtpd on loopback: it takes the mail of one user, and what arrived is read by Python's own parser.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    engine::{
        Tls,
        process::{Group, Watcher},
    },
    not_run::{NotRun, or_not_run},
};

pub const USER: &str = "alerts@example.org";
pub const PASSWORD: &str = "correct horse battery";

/// The server. Dropping it ends it.
#[derive(Debug)]
pub struct MailServer {
    folder: PathBuf,
    pub port: u16,
    pub tls: Tls,
    server: Option<Group>,
    _watcher: Watcher,
}

impl MailServer {
    /// `starttls`, `smtps` or `plain`. `None`: it could not run here, which is written down.
    pub async fn start(mode: &str) -> Option<MailServer> {
        let packages = or_not_run(packages())?;
        let folder = tempfile::Builder::new().prefix("highwater-smtp-").tempdir().expect("a folder").keep();
        let tls = Tls::write(&folder.join("tls"));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/smtp/server.py");
        let command =
            ["python3".as_ref(), script.as_path(), mode.as_ref(), &tls.server, &tls.server_key, &folder];
        let command: Vec<String> = command.iter().map(|word| word.display().to_string()).collect();
        let watcher = Watcher::of_engine(&folder);
        let path = [("PYTHONPATH", packages.display().to_string())];
        let server = Some(Group::spawn(&folder, &command, &path));
        let mut server = MailServer { port: 0, tls, server, _watcher: watcher, folder };
        server.port = server.wait_for_port().await;
        Some(server)
    }

    async fn wait_for_port(&self) -> u16 {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Ok(port) = std::fs::read_to_string(self.folder.join("port")) {
                return port.parse().expect("a port");
            }
            let log = || std::fs::read_to_string(self.folder.join("out.log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "the mail server is not ready: {}", log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What arrived, in order, once there are so many.
    pub async fn wait_for(&self, mails: usize, patience: Duration) -> Vec<Mail> {
        let deadline = Instant::now() + patience;
        loop {
            let arrived = self.arrived();
            if arrived.len() >= mails {
                return arrived;
            }
            assert!(Instant::now() < deadline, "{mails} mails were awaited: {arrived:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn arrived(&self) -> Vec<Mail> {
        let read = |n: usize| std::fs::read(self.folder.join(format!("{n:03}.json"))).ok();
        let mails = (1..).map_while(read);
        mails.map(|bytes| Mail(serde_json::from_slice(&bytes).expect("JSON"))).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill();
        }
    }
}

/// One mail as Python's parser reads it.
#[derive(Debug, Clone)]
pub struct Mail(pub Value);

impl Mail {
    pub fn header(&self, name: &str) -> &str {
        let headers = self.0["headers"].as_array().expect("headers");
        let found = headers.iter().find(|header| header[0] == name);
        found.and_then(|header| header[1].as_str()).unwrap_or_default()
    }

    pub fn part(&self, kind: &str) -> &str {
        self.0["parts"][kind].as_str().unwrap_or_default()
    }
}

fn packages() -> Result<PathBuf, NotRun> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/fetch-engine");
    let output = Command::new(script).arg("aiosmtpd-1.4.6").stdin(Stdio::null()).output();
    let output = output.map_err(|error| NotRun::Missing(format!("scripts/fetch-engine: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
        return Err(NotRun::Missing(format!("a mail server: {said}")));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
