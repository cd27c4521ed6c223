//! Objects as a watch keeps them, and whether they may be taken for the present.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use tokio::{sync::watch, time::Instant};

use super::shelf::{MOST_KEPT, OFTEN, lock};
use crate::model::kubernetes::{Node, Pod, Workload};

/// Without a change or a bookmark for so long, a watch proves nothing any more. One comes every ten seconds.
const FRESH: Duration = Duration::from_secs(15);
/// What was changed just before a look may be on its way for so long.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

type Place = (String, String);

/// What can be listed and watched.
pub trait Object: DeserializeOwned + Clone + Send + Sync + 'static {
    /// Namespace and name.
    fn place(&self) -> Place;
}

impl Object for Pod {
    fn place(&self) -> Place {
        (self.namespace.clone(), self.name.clone())
    }
}

impl Object for Node {
    fn place(&self) -> Place {
        (String::new(), self.name.clone())
    }
}

impl Object for Workload {
    fn place(&self) -> Place {
        (self.namespace.clone(), self.name.clone())
    }
}

/// All objects of a list, up to the last change that was heard of.
pub struct View<T> {
    /// When the list was asked for that it began with.
    pub listed: Instant,
    kept: Mutex<Kept<T>>,
    /// Of which moment it is. Only whoever holds the lock moves it.
    version: watch::Sender<u64>,
}

struct Kept<T> {
    objects: BTreeMap<Place, T>,
    /// When the API last said of which moment this is.
    sign: Instant,
    moved: bool,
    asked: Instant,
    ended: Option<End>,
}

/// Why a watch went no further.
#[derive(Clone, Debug)]
pub struct End {
    pub why: String,
    /// We may not watch, or nobody here can.
    pub refused: bool,
}

impl End {
    pub fn because(why: impl Into<String>) -> Self {
        Self { why: why.into(), refused: false }
    }
}

/// One line of a watch, as far as every line is alike.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    object: Said,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    metadata: Versioned,
    /// Of an error.
    code: Option<u16>,
    message: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Versioned {
    resource_version: Option<String>,
}

#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
struct Changed<T> {
    object: T,
}

impl<T: Object> View<T> {
    pub fn new(objects: &[T], version: u64, now: Instant) -> Self {
        let objects = objects.iter().map(|object| (object.place(), object.clone())).collect();
        let kept = Kept { objects, sign: now, moved: false, asked: now, ended: None };
        Self { listed: now, kept: Mutex::new(kept), version: watch::Sender::new(version) }
    }

    pub fn version(&self) -> u64 {
        *self.version.borrow()
    }

    /// Another watch would show nothing either: it was refused, or was there and never said a word.
    pub fn is_hopeless(&self) -> bool {
        let kept = lock(&self.kept);
        match &kept.ended {
            Some(end) => end.refused,
            None => !kept.moved && kept.sign.elapsed() > FRESH,
        }
    }

    pub fn is_forgotten(&self) -> bool {
        lock(&self.kept).asked.elapsed() > OFTEN
    }

    /// All objects, or why they cannot be taken for the present. `moment` is what the API says that the present is.
    pub async fn shown(&self, moment: Option<u64>) -> Result<Vec<T>, String> {
        let moment = moment.ok_or("the API does not number its versions")?;
        if moment < self.version() {
            return Err("the API is behind what was watched: another cluster, or one restored".to_owned());
        }
        self.current()?;
        let mut version = self.version.subscribe();
        // without any change nothing comes, and the next bookmark is not waited for
        let arrived = version.wait_for(|version| *version >= moment);
        tokio::time::timeout(ON_ITS_WAY, arrived).await.ok();
        self.current()?;
        let mut kept = lock(&self.kept);
        kept.asked = Instant::now();
        Ok(kept.objects.values().cloned().collect())
    }

    fn current(&self) -> Result<(), String> {
        let kept = lock(&self.kept);
        if let Some(end) = &kept.ended {
            return Err(end.why.clone());
        }
        match kept.sign.elapsed() {
            silent if silent > FRESH => Err(format!("nothing was heard for {} s", silent.as_secs())),
            _ => Ok(()),
        }
    }

    /// Takes one line of the watch in, or says why it can go no further.
    pub fn hear(&self, line: &[u8]) -> Result<(), String> {
        let unclear = |error: serde_json::Error| format!("what is watched cannot be understood: {error}");
        let Line { kind, object: said } = serde_json::from_slice(line).map_err(unclear)?;
        if kind == "ERROR" {
            let message = said.message.unwrap_or_default();
            return Err(format!("the watch ended ({}): {message}", said.code.unwrap_or_default()));
        }
        let version = said.metadata.resource_version.and_then(|version| version.parse().ok());
        let version: u64 = version.ok_or("a change without a version")?;
        let mut kept = lock(&self.kept);
        match kind.as_str() {
            "BOOKMARK" => {}
            "ADDED" | "MODIFIED" => {
                let Changed::<T> { object } = serde_json::from_slice(line).map_err(unclear)?;
                kept.objects.insert(object.place(), object);
            }
            "DELETED" => {
                let Changed::<T> { object } = serde_json::from_slice(line).map_err(unclear)?;
                kept.objects.remove(&object.place());
            }
            other => return Err(format!("`{other}` is no kind of change")),
        }
        if kept.objects.len() > MOST_KEPT {
            return Err(format!("more than {MOST_KEPT} objects"));
        }
        (kept.sign, kept.moved) = (Instant::now(), true);
        self.version.send_replace(version);
        Ok(())
    }

    /// It says nothing any more, and keeps nothing.
    pub fn end(&self, end: End) {
        let mut kept = lock(&self.kept);
        kept.objects.clear();
        kept.ended = Some(end);
    }
}

#[cfg(test)]
mod tests;
