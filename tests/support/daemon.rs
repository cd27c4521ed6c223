//! The real program as an operator runs it: a folder with settings, rules and a store, `run` beside it, `check` in it.
//!
//! ```ignore
//! let home = Home::of(&engine, &receiver, "rules: […]");
//! let daemon = home.start().await;          // ready: the log said so
//! daemon.kill9();
//! let daemon = home.start().await;          // the same store again
//! assert_eq!(daemon.stop().await, 0);
//! ```

use std::{
    fs::{self, File},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{engine::Engine, engine::process::Watcher, receiver::Receiver};

const PROGRAM: &str = env!("CARGO_BIN_EXE_highwater");
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder of one installation. It goes with the value, or with the test process.
#[derive(Debug)]
pub struct Home {
    folder: PathBuf,
    environment: Vec<(String, String)>,
    account: Option<PathBuf>,
    _watcher: Watcher,
}

impl Home {
    /// Watches `engine` as the cluster `main`, tells the webhook sink `hook` at `/hook`; `rules` is YAML.
    pub fn of(engine: &Engine, receiver: &Receiver, rules: &str) -> Home {
        Home::new(&settings(&engine.urls(), receiver), rules)
    }

    /// `settings` as JSON, which is YAML too; relative paths are in the home.
    pub fn new(settings: &Value, rules: &str) -> Home {
        let folder = tempfile::Builder::new().prefix("highwater-home-").tempdir().expect("a folder").keep();
        let home =
            Home { _watcher: Watcher::of_engine(&folder), folder, environment: Vec::new(), account: None };
        fs::create_dir_all(home.path("rules")).expect("a folder for rules");
        fs::create_dir_all(home.path("daemon")).expect("a folder for logs");
        home.write_settings(settings);
        home.write_rules(rules);
        home
    }

    /// A variable that every command in here gets: where secrets come from.
    pub fn env(mut self, name: &str, value: &str) -> Home {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What is started here sees this folder in the place where a pod finds its service account. Needs root.
    pub fn in_a_pod(mut self, account: &Path) -> Home {
        self.account = Some(account.to_owned());
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn write_settings(&self, settings: &Value) {
        let text = serde_json::to_string_pretty(settings).expect("JSON");
        fs::write(self.path("highwater.yaml"), text).expect("settings");
    }

    pub fn write_rules(&self, rules: &str) {
        fs::write(self.path("rules/rules.yaml"), rules).expect("rules");
    }

    /// Takes the rules of another folder, in place of those of the home.
    pub fn copy_rules(&self, from: &Path) {
        fs::remove_file(self.path("rules/rules.yaml")).ok();
        for entry in fs::read_dir(from).expect("a folder of rules") {
            let entry = entry.expect("an entry");
            fs::copy(entry.path(), self.path("rules").join(entry.file_name())).expect("a copy");
        }
    }

    /// Any command of the program, with this home's settings.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = match &self.account {
            None => Command::new(PROGRAM),
            Some(account) => within(account),
        };
        command.args(args).arg("--config").arg(self.path("highwater.yaml")).current_dir(&self.folder);
        command.env_clear().envs(self.environment.iter().cloned()).stdin(Stdio::null());
        command
    }

    /// `check --format json`, of these rules or of all.
    pub fn check(&self, rules: &[&str]) -> Checked {
        let args: Vec<&str> = ["check", "--format", "json"].iter().chain(rules).copied().collect();
        let output = self.command(&args).output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("check wrote no JSON ({error}): {said}"));
        Checked { code: output.status.code().expect("an exit code"), report, said }
    }

    /// `run`, ready.
    pub async fn start(&self) -> Daemon {
        self.start_with(&[]).await
    }

    pub async fn start_with(&self, args: &[&str]) -> Daemon {
        let mut daemon = self.spawn(args);
        let deadline = Instant::now() + PATIENCE;
        while !daemon.is_ready() {
            assert!(!daemon.ended(), "the daemon ended by itself:\n{}", daemon.log());
            assert!(Instant::now() < deadline, "the daemon is not ready:\n{}", daemon.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        daemon
    }

    /// `run`, without waiting: for a start that is to fail.
    pub fn spawn(&self, args: &[&str]) -> Daemon {
        let folder = self.path("daemon");
        let out = File::options().create(true).append(true).open(folder.join("stdout")).expect("stdout");
        let log = folder.join(format!("log-{:04}", fs::read_dir(&folder).expect("a folder").count()));
        let mut command = self.command(&[&["run"], args].concat());
        command.stdout(out).stderr(File::create(&log).expect("a log")).process_group(0);
        let child = command.spawn().expect("the program starts");
        let note = folder.join("pgid");
        fs::write(&note, child.id().to_string()).expect("a note for the watcher");
        Daemon { child, log, note }
    }

    /// What the sink `stdout` wrote, over all runs.
    pub fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("daemon/stdout")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

/// A mount namespace of its own, in which `/run` holds a service account and nothing else.
fn within(account: &Path) -> Command {
    const ENTER: &str = "mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io \
                         && ln -s \"$1\" /run/secrets/kubernetes.io/serviceaccount && shift && exec \"$@\"";
    let mut command = Command::new("/usr/bin/unshare");
    command.args(["--mount", "/bin/sh", "-c", ENTER, "sh"]).arg(account).arg(PROGRAM);
    command
}

/// Settings that watch `urls` as `main` and tell `receiver`; change them before they are written.
pub fn settings(urls: &[String], receiver: &Receiver) -> Value {
    json!({
        "clusters": { "main": { "urls": urls, "timeout": "3s" } },
        "rules": ["rules"],
        "store": { "sqlite": { "path": "var/highwater.db" } },
        "sinks": { "hook": { "webhook": { "url": receiver.url("/hook") } }, "log": { "stdout": {} } },
        "defaults": { "notify": ["hook"], "query_delay": "0s" },
        "self": { "notify": ["hook"] },
        "server": { "listen": "127.0.0.1:0" },
        "telemetry": { "level": "debug", "format": "json" },
    })
}

/// What `check` answered.
#[derive(Debug)]
pub struct Checked {
    pub code: i32,
    pub report: Value,
    /// Standard error.
    pub said: String,
}

impl Checked {
    /// One rule's part.
    pub fn rule(&self, id: &str) -> &Value {
        let rules = self.report["rules"].as_array().expect("a list of rules");
        rules
            .iter()
            .find(|rule| rule["rule"] == id)
            .unwrap_or_else(|| panic!("no rule {id}: {}", self.report))
    }

    /// The alert of one entity, by one of its labels.
    pub fn alert(&self, id: &str, label: &str, value: &str) -> &Value {
        let rule = self.rule(id);
        let alerts = rule["alerts"].as_array().expect("a list of alerts");
        let found = alerts.iter().find(|alert| alert["entity"][label] == value);
        found.unwrap_or_else(|| panic!("no alert for {label}={value}: {rule}"))
    }

    pub fn outcome(&self, id: &str) -> &str {
        self.rule(id)["outcome"].as_str().expect("an outcome")
    }

    pub fn reason(&self, id: &str) -> &str {
        self.rule(id)["reason"].as_str().unwrap_or_default()
    }
}

/// A running daemon; dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: PathBuf,
    note: PathBuf,
}

impl Daemon {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that this run logged.
    pub fn log(&self) -> String {
        // it may end in the middle of a character
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The log's events, as its JSON has them.
    pub fn events(&self) -> Vec<Value> {
        self.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn event(&self, message: &str) -> Option<Value> {
        self.events().into_iter().find(|event| event["message"] == message)
    }

    fn is_ready(&self) -> bool {
        self.event("ready").is_some()
    }

    pub fn ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// `http://127.0.0.1:PORT`, from the log.
    pub fn url(&self) -> String {
        let ready = self.event("ready").expect("a daemon that is ready");
        format!("http://{}", ready["address"].as_str().expect("an address"))
    }

    /// Status and body of one of its own pages.
    pub async fn get(&self, path: &str) -> (u16, String) {
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = client.get(self.url() + path).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }

    /// The sum of a metric's samples whose labels hold all of `labels`.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let (_, page) = self.get("/metrics").await;
        let of_it = |line: &&str| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        };
        page.lines().filter(of_it).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// `TERM`, `HUP`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
        assert!(done.expect("kill starts").success(), "no process {}", self.pid());
    }

    /// Asks it to stop; its exit code.
    pub async fn stop(mut self) -> i32 {
        self.signal("TERM");
        self.wait().await
    }

    /// Waits for its end; its exit code, or 128 and the signal.
    pub async fn wait(&mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
            }
            assert!(Instant::now() < deadline, "the daemon does not end:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Kills it, as a power cut would.
    pub fn kill9(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        fs::remove_file(&self.note).ok();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}
