//! A rule that sees nothing for five minutes says so, and so does one that cannot tell of some entity.

use std::collections::BTreeMap;

use super::{
    alert::Net,
    oracle::Said,
    truth::{MINUTE, Milli},
};
use crate::model::{Entity, Level};

#[derive(Default)]
pub struct Blind {
    since: Option<Milli>,
    of: BTreeMap<Entity, Milli>,
    told: bool,
}

impl Blind {
    pub fn sees_nothing(&mut self, tick: Milli) {
        self.since.get_or_insert(tick);
    }

    pub fn sees(&mut self, tick: Milli, said: &BTreeMap<Entity, Said>) {
        let unknown = |entity: &Entity| said.get(entity) == Some(&Said::Unknown);
        self.of.retain(|entity, _| unknown(entity) || !said.contains_key(entity));
        for entity in said.keys().filter(|entity| unknown(entity)) {
            self.of.entry(entity.clone()).or_insert(tick);
        }
        let mut here = said.values().filter(|said| **said != Said::Gone).peekable();
        let nothing = here.peek().is_some() && here.all(|said| *said == Said::Unknown);
        self.since = if nothing { self.since.or(Some(tick)) } else { None };
    }

    pub fn net(&mut self, tick: Milli) -> Option<Net> {
        let overdue = self.since.iter().chain(self.of.values()).any(|since| tick - since >= 5 * MINUTE);
        let known = std::mem::replace(&mut self.told, overdue);
        let what = if overdue { "fired" } else { "resolved" };
        (known != overdue).then_some(Net { what, level: Level::Warning, at: tick })
    }
}
