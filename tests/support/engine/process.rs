//! Processes that never outlive the test, however it ends.
//!
//! Every node is the leader of its own process group (launcher and server share it), so one id reaches both.
//! A small `sh` beside each engine waits for the end of its standard input, which comes with the death of the
//! test process, `kill -9` included; it then ends the groups that are written down and removes the folder.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// One node's processes.
#[derive(Debug)]
pub struct Group {
    child: Child,
    note: PathBuf,
}

impl Group {
    /// Starts `command` as the leader of a new group, writes its id to `folder/pgid`, its output to `folder/out.log`.
    pub fn spawn(folder: &Path, command: &[String], environment: &[(&str, String)]) -> Group {
        let output = File::options().create(true).append(true).open(folder.join("out.log")).expect("out.log");
        let note = folder.join("pgid");
        let mut sh = Command::new("sh");
        sh.args(["-c", r#"echo $$ >"$0"; exec "$@""#]).arg(&note).args(command);
        for java in
            ["ES_JAVA_OPTS", "JAVA_OPTS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "ES_HOME"]
        {
            sh.env_remove(java);
        }
        sh.envs(environment.iter().map(|(key, value)| (key, value)));
        sh.current_dir(folder)
            .stdin(Stdio::null())
            .stderr(output.try_clone().expect("a second handle"))
            .stdout(output);
        Group { child: sh.process_group(0).spawn().expect("sh starts"), note }
    }

    /// `KILL`, `TERM`, `STOP` or `CONT`, to launcher and server.
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Stops it, and waits until every thread stands: on a busy machine some run on for a while.
    pub fn freeze(&self) {
        self.signal("STOP");
        let deadline = Instant::now() + Duration::from_secs(10);
        while !all_stand(self.child.id()) {
            assert!(Instant::now() < deadline, "the engine does not stand still");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    pub fn kill(mut self) {
        self.signal("KILL");
        self.forget();
    }

    /// Asks it to stop, and makes it after a minute.
    pub fn stop(mut self) {
        self.signal("CONT");
        self.signal("TERM");
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
        }
        self.signal("KILL");
        self.forget();
    }

    fn forget(&mut self) {
        self.child.wait().expect("our own child");
        std::fs::remove_file(&self.note).ok();
    }
}

fn signal(group: u32, name: &str) {
    let kill = format!("kill -s {name} -- -{group} 2>/dev/null");
    Command::new("sh").args(["-c", &kill]).status().expect("sh starts");
}

/// Whether every thread of the processes of `group` is stopped.
fn all_stand(group: u32) -> bool {
    let stat = |path: &Path| std::fs::read_to_string(path.join("stat")).unwrap_or_default();
    let fields = |stat: &str| -> Vec<String> {
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        after_name.split_whitespace().map(str::to_owned).collect()
    };
    let folders = |path: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let of_group = folders(Path::new("/proc"))
        .into_iter()
        .filter(|path| fields(&stat(path)).get(2).is_some_and(|of| *of == group.to_string()));
    let mut threads = of_group.flat_map(|process| folders(&process.join("task")));
    threads.all(|thread| fields(&stat(&thread)).first().is_none_or(|state| "TtZX".contains(state.as_str())))
}

/// Ends what is left of an engine and removes its folder: when told to, or when this process is gone.
#[derive(Debug)]
pub struct Watcher {
    child: Child,
}

const AFTERWARDS: &str = r#"
cat >/dev/null
for note in "$0"/*/pgid; do [ -f "$note" ] && kill -s KILL -- "-$(cat "$note")"; done 2>/dev/null
for attempt in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$0" 2>/dev/null && break; sleep 0.2; done
"#;

impl Watcher {
    pub fn of_engine(folder: &Path) -> Watcher {
        Watcher::start(AFTERWARDS, folder)
    }

    pub fn of_mount(folder: &Path) -> Watcher {
        Watcher::start(r#"cat >/dev/null; umount -l "$0"; rmdir "$0""#, folder)
    }

    fn start(script: &str, folder: &Path) -> Watcher {
        let mut sh = Command::new("sh");
        sh.args(["-c", script]).arg(folder).current_dir("/").stdin(Stdio::piped());
        Watcher { child: sh.stderr(Stdio::null()).process_group(0).spawn().expect("sh starts") }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}
