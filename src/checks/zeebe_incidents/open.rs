//! Which incidents are open: records folded by their key.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::record::{Intent, Record};
use crate::model::Entity;

/// So many keys are known one by one; of more they are only counted.
const MOST_KEYS: usize = 50_000;
/// So many groups are judged by themselves; what is beyond them is one group.
const MOST_GROUPS: usize = 2_000;
/// Keys that were resolved before anybody saw them made.
const MOST_GONE: usize = 10_000;
/// Examples of one group.
const EXAMPLES: usize = 3;
const OTHERS: &str = "(others)";

/// What incidents have in common that are one alert.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Group {
    pub process: String,
    pub element: String,
    pub error: String,
    pub tenant: String,
}

impl Group {
    pub const LABELS: [&str; 4] = ["bpmnProcessId", "elementId", "errorType", "tenantId"];

    pub fn entity(&self) -> Entity {
        let values = [&self.process, &self.element, &self.error, &self.tenant];
        Entity::new(Self::LABELS.into_iter().zip(values.map(String::clone)))
    }

    fn others() -> Self {
        let [process, element, error, tenant] = [OTHERS; 4].map(str::to_owned);
        Self { process, element, error, tenant }
    }
}

/// All that is open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Open {
    groups: Vec<(Group, Incidents)>,
    /// Resolved, but not yet believed: key, since when that waits, when it was, and where.
    held: BTreeMap<i64, Held>,
    /// Resolved before they were seen made, and when that was seen.
    gone: BTreeMap<i64, i64>,
    /// Not yet counted at the end of any look: nobody has heard of them.
    fresh: BTreeSet<i64>,
    /// Up to where the last look saw that counted.
    counted: Option<i64>,
    /// Records that say too little.
    pub unreadable: u64,
}

/// The open incidents of one group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Incidents {
    keys: BTreeSet<i64>,
    /// Open as well, but too many to be known one by one.
    pub more: u64,
    pub examples: Vec<Example>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Held {
    since: i64,
    at: i64,
    element: Option<i64>,
}

/// One of them, for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    key: i64,
    instance: Option<i64>,
    pub since: i64,
    message: String,
}

impl Example {
    pub fn words(&self) -> String {
        let of = self.instance.map(|instance| format!(" of instance {instance}")).unwrap_or_default();
        format!("incident {}{of}: {}", self.key, self.message)
    }
}

impl Incidents {
    pub fn count(&self) -> u64 {
        self.keys.len() as u64 + self.more
    }
}

impl Open {
    pub fn groups(&self) -> impl Iterator<Item = &(Group, Incidents)> {
        self.groups.iter().filter(|(_, incidents)| incidents.count() > 0)
    }

    /// One record more; `now` and `hold` in milliseconds.
    pub fn fold(&mut self, record: Record, now: i64, hold: i64) {
        match record.intent {
            Intent::Created => self.create(record),
            // where not all are known one by one, it may be one of the others
            Intent::Migrated if self.is_known(record.key) || self.may_be_new(record.key) => {
                self.forget(record.key);
                self.add(record);
            }
            Intent::Migrated => {}
            Intent::Resolved => self.resolve(&record, now, hold),
        }
    }

    fn create(&mut self, record: Record) {
        if self.gone.remove(&record.key).is_some() || self.is_known(record.key) {
            return;
        }
        // resolving was tried, and the cause remained: this one takes the place of that one
        let failed = self.held.iter().find(|(_, held)| {
            held.at == record.at && held.element.is_some() && held.element == record.element_instance
        });
        if let Some(old) = failed.map(|(key, _)| *key) {
            self.held.remove(&old);
            self.forget(old);
        }
        self.add(record);
    }

    fn add(&mut self, record: Record) {
        let full = self.groups.iter().map(|(_, incidents)| incidents.keys.len()).sum::<usize>() >= MOST_KEYS;
        if full {
            self.group(record.group).more += 1;
            return;
        }
        self.fresh.insert(record.key);
        let incidents = self.group(record.group);
        incidents.keys.insert(record.key);
        if incidents.examples.len() < EXAMPLES {
            let Record { key, instance, at, message, .. } = record;
            incidents.examples.push(Example { key, instance, since: at, message });
        }
    }

    fn group(&mut self, wanted: Group) -> &mut Incidents {
        let full = self.groups.len() >= MOST_GROUPS;
        let known = |group: &Group| self.groups.iter().position(|(one, _)| one == group);
        let place = match known(&wanted) {
            Some(place) => place,
            None => {
                let group = if full { Group::others() } else { wanted };
                known(&group).unwrap_or_else(|| {
                    self.groups.push((group, Incidents::default()));
                    self.groups.len() - 1
                })
            }
        };
        &mut self.groups[place].1
    }

    fn resolve(&mut self, record: &Record, now: i64, hold: i64) {
        if self.is_known(record.key) {
            let since = self.waits_since(record, now);
            if now - since >= hold {
                self.forget(record.key);
                return;
            }
            self.held.entry(record.key).or_insert(Held {
                since,
                at: record.at,
                element: record.element_instance,
            });
            return;
        }
        let group = self.groups.iter_mut().find(|(group, _)| *group == record.group);
        match group.filter(|(_, incidents)| incidents.more > 0) {
            Some((_, incidents)) => incidents.more -= 1,
            None if self.gone.len() < MOST_GONE => drop(self.gone.insert(record.key, now)),
            None => {}
        }
    }

    /// A record counts from its own time. One that comes late, of an incident that was told, counts from now:
    /// the one that takes its place may be as late.
    fn waits_since(&self, record: &Record, now: i64) -> i64 {
        let is_late = self.counted.is_some_and(|counted| record.at < counted);
        if is_late && !self.fresh.contains(&record.key) { now } else { record.at.min(now) }
    }

    fn may_be_new(&self, key: i64) -> bool {
        !self.gone.contains_key(&key) && self.groups.iter().all(|(_, incidents)| incidents.more == 0)
    }

    fn is_known(&self, key: i64) -> bool {
        self.groups.iter().any(|(_, incidents)| incidents.keys.contains(&key))
    }

    fn forget(&mut self, key: i64) {
        self.fresh.remove(&key);
        for (_, incidents) in &mut self.groups {
            if incidents.keys.remove(&key) {
                incidents.examples.retain(|example| example.key != key);
            }
        }
    }

    /// What was resolved for at least `hold` is believed to be, `now`; all in milliseconds.
    pub fn believe(&mut self, now: i64, hold: i64, keep: i64) {
        let over: Vec<i64> =
            self.held.iter().filter(|(_, held)| now - held.since >= hold).map(|(key, _)| *key).collect();
        for key in over {
            self.held.remove(&key);
            self.forget(key);
        }
        self.gone.retain(|_, seen| now - *seen < keep);
        self.fresh.clear();
        self.counted = Some(now);
        self.groups.retain(|(_, incidents)| incidents.count() > 0);
    }

    /// A broker that was begun anew knows nothing of the incidents of before.
    pub fn forget_partition(&mut self, partition: i64) {
        let of_it = |key: &i64| key >> 51 == partition;
        for (_, incidents) in &mut self.groups {
            incidents.keys.retain(|key| !of_it(key));
            incidents.examples.retain(|example| !of_it(&example.key));
        }
        self.held.retain(|key, _| !of_it(key));
        self.gone.retain(|key, _| !of_it(key));
        self.fresh.retain(|key| !of_it(key));
        self.groups.retain(|(_, incidents)| incidents.count() > 0);
    }
}
