//! A small file system of its own, to be filled for real.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::Watcher;
use crate::support::not_run::NotRun;

/// A mounted tmpfs; unmounted when dropped, or when the test process is gone.
#[derive(Debug)]
pub struct Tmpfs {
    path: PathBuf,
    _watcher: Watcher,
}

impl Tmpfs {
    /// `size` as `mount` reads it: `400m`. Needs root.
    pub fn mount(size: &str) -> Result<Tmpfs, NotRun> {
        let folder = tempfile::Builder::new().prefix("highwater-tmpfs-").tempdir().expect("a folder").keep();
        let watcher = Watcher::of_mount(&folder);
        let options = format!("size={size},mode=0777");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&folder).output();
        match mount {
            Ok(output) if output.status.success() => Ok(Tmpfs { path: folder, _watcher: watcher }),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let reason = said.lines().next().unwrap_or("mount said nothing");
                Err(NotRun::Missing(format!("mounting a tmpfs needs root ({reason})")))
            }
            Err(error) => Err(NotRun::Missing(format!("the command `mount` does not start: {error}"))),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the filler file exactly so large; a smaller one gives room back.
    pub fn fill(&self, megabytes: u64) {
        let filler = self.path.join("filler");
        std::fs::remove_file(&filler).ok();
        if megabytes > 0 {
            let length = format!("{megabytes}M");
            let done = Command::new("fallocate").args(["-l", &length]).arg(&filler).status();
            assert!(done.expect("fallocate starts").success(), "no room for a filler of {length}");
        }
    }
}
