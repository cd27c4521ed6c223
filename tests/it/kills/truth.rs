//! What really happens in the flapping world, as pure arithmetic over seconds.

use std::collections::BTreeMap;

/// Rules, each over entities of its own.
pub const RULES: usize = 4;
pub const ENTITIES: usize = 6;

/// The seconds between which the world flaps; before and after it is quiet.
#[derive(Clone, Copy, Debug)]
pub struct World {
    pub begin: i64,
    pub end: i64,
}

impl World {
    /// Whether the entity is in trouble at this second: on and off, each with a rhythm and a phase of its own.
    pub fn is_bad(self, rule: usize, entity: usize, second: i64) -> bool {
        let n = (rule * ENTITIES + entity) as i64;
        let (period, phase) = (4 + n % 7, n * 5 % 11);
        // the first seconds are quiet, so that nothing begins before anybody looks
        (self.begin + 5..=self.end).contains(&second) && (second + phase) % period < 2
    }

    /// Begin and end of every time of trouble that ended until a second.
    pub fn episodes(self, until: i64) -> BTreeMap<Who, Vec<(i64, i64)>> {
        let mut all = BTreeMap::new();
        for rule in 0..RULES {
            for entity in 0..ENTITIES {
                all.insert((rule, entity), self.of_one(until, rule, entity));
            }
        }
        all
    }

    fn of_one(self, until: i64, rule: usize, entity: usize) -> Vec<(i64, i64)> {
        let (mut episodes, mut since) = (Vec::new(), None);
        for second in self.begin..=until {
            match (self.is_bad(rule, entity, second), since) {
                (true, None) => since = Some(second),
                (false, Some(from)) => {
                    episodes.push((from, second));
                    since = None;
                }
                _ => {}
            }
        }
        episodes
    }
}

/// An entity of a rule.
pub type Who = (usize, usize);
