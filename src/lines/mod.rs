//! The door for lines and datagrams: standard output, files, UDP.
//!
//! Whatever may block does so in a thread of its own, one at a time and for no longer than the timeout: a reader that does not
//! read, or a disk that hangs, costs one thread and delays nobody else.

mod journal;
mod udp;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Mutex as TurnLock, task::spawn_blocking, time::timeout};

use self::journal::Opened;
use crate::sinks::{Answer, Journal};

/// Where lines go that go nowhere else.
pub type Output = Arc<Mutex<dyn Write + Send>>;

/// One file's turn, and the file while it is open.
type Kept = Arc<TurnLock<Option<Opened>>>;

/// Clones share everything.
#[derive(Clone)]
pub struct Lines {
    output: Arc<TurnLock<Output>>,
    journals: Arc<Mutex<BTreeMap<PathBuf, Kept>>>,
    timeout: Duration,
}

impl fmt::Debug for Lines {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Lines").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Lines {
    /// `timeout` is the most that one attempt may take.
    pub fn new(timeout: Duration) -> Self {
        Self::to(Arc::new(Mutex::new(io::stdout())), timeout)
    }

    /// The same, with `output` in the place of standard output.
    pub fn to(output: Output, timeout: Duration) -> Self {
        Self { output: Arc::new(TurnLock::new(output)), journals: Arc::default(), timeout }
    }

    /// One line on standard output, in one piece: lines of different lanes never mix.
    pub async fn print(&self, line: &str) -> Answer {
        let line = format!("{line}\n");
        let writing = in_turn(self.output.clone(), move |output| {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.write_all(line.as_bytes())?;
            output.flush()
        });
        match timeout(self.timeout, writing).await {
            Ok(Ok(())) => Answer::Written,
            Ok(Err(error)) => Answer::Lost(error.kind().to_string()),
            Err(_) => Answer::Lost("nobody reads standard output".to_owned()),
        }
    }

    /// One line at the end of a file, which is rotated before it is too long.
    pub async fn append(&self, to: &Journal, line: &str) -> Answer {
        let (journal, line) = (to.clone(), format!("{line}\n"));
        let opened = self.journal(&to.path);
        let writing = in_turn(opened, move |opened| journal::append(opened, &journal, line.as_bytes()));
        let path = to.path.display();
        match timeout(self.timeout, writing).await {
            Ok(Ok(())) => Answer::Written,
            Ok(Err(error)) if journal::is_of_settings(error.kind()) => {
                Answer::Unsent(format!("cannot write `{path}`: {}", journal::words(&error)))
            }
            Ok(Err(error)) => Answer::Lost(format!("cannot write `{path}`: {}", journal::words(&error))),
            Err(_) => Answer::Lost(format!("`{path}` was not written in time")),
        }
    }

    /// Datagrams to `address`. That they arrive is not known, and not asked.
    pub async fn send(&self, address: &str, datagrams: &[String]) -> Answer {
        match timeout(self.timeout, udp::send(address, datagrams)).await {
            Ok(Ok(())) => Answer::Written,
            Ok(Err(why)) => Answer::Lost(format!("cannot send to `{address}`: {why}")),
            Err(_) => Answer::Lost(format!(
                "`{address}` was not found in time; does the name service of this machine answer?"
            )),
        }
    }

    fn journal(&self, path: &Path) -> Kept {
        let mut journals = self.journals.lock().unwrap_or_else(PoisonError::into_inner);
        journals.entry(path.to_owned()).or_default().clone()
    }
}

/// `work` in a thread that may block, when it is its turn. Whoever stops waiting does not stop the work; the turn ends with it.
async fn in_turn<T: Send + 'static>(
    turn: Arc<TurnLock<T>>,
    work: impl FnOnce(&mut T) -> io::Result<()> + Send + 'static,
) -> io::Result<()> {
    let mut held = turn.lock_owned().await;
    spawn_blocking(move || work(&mut held)).await.map_err(io::Error::other)?
}
