//! A rule that sees nothing for five minutes says so, and so does one that cannot tell of some entity.

use std::collections::BTreeMap;

use super::{
    oracle::Said,
    truth::{MINUTE, Milli},
};
use crate::model::Entity;

/// Since when, and whether that was too long already when it was last looked.
#[derive(Clone, Copy)]
struct Clock {
    since: Milli,
    rung: bool,
}

#[derive(Default)]
pub struct Blind {
    all: Option<Clock>,
    of: BTreeMap<Entity, Clock>,
}

fn starting(since: Milli) -> Clock {
    Clock { since, rung: false }
}

impl Blind {
    pub fn sees_nothing(&mut self, tick: Milli) {
        self.all.get_or_insert(starting(tick));
        self.passes(tick);
    }

    /// It is known that there is nobody who could answer: that is not the rule's own blindness.
    pub fn is_excused(&mut self, tick: Milli) {
        if let Some(all) = self.all.as_mut().filter(|all| !all.rung) {
            all.since = tick;
        }
    }

    pub fn sees(&mut self, tick: Milli, said: &BTreeMap<Entity, Said>) {
        let unknown = |entity: &Entity| said.get(entity) == Some(&Said::Unknown);
        self.of.retain(|entity, _| unknown(entity) || !said.contains_key(entity));
        for entity in said.keys().filter(|entity| unknown(entity)) {
            self.of.entry(entity.clone()).or_insert(starting(tick));
        }
        let mut here = said.values().filter(|said| **said != Said::Gone).peekable();
        let nothing = here.peek().is_some() && here.all(|said| *said == Said::Unknown);
        self.all = if nothing { self.all.or(Some(starting(tick))) } else { None };
        self.passes(tick);
    }

    fn passes(&mut self, tick: Milli) {
        for clock in self.all.iter_mut().chain(self.of.values_mut()) {
            clock.rung |= tick - clock.since >= 5 * MINUTE;
        }
    }

    pub fn is_overdue(&self) -> bool {
        self.all.iter().chain(self.of.values()).any(|clock| clock.rung)
    }
}
