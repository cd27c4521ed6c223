//! What really happens in the flapping world, as pure arithmetic over seconds.

use std::collections::BTreeMap;

/// Rules, each over entities of its own.
pub const RULES: usize = 4;
pub const ENTITIES: usize = 6;

/// Whether the entity is in trouble at this second: on and off, each with a rhythm and a phase of its own.
pub fn is_bad(begin: i64, rule: usize, entity: usize, second: i64) -> bool {
    let n = (rule * ENTITIES + entity) as i64;
    let (period, phase) = (4 + n % 7, n * 5 % 11);
    // the first seconds are quiet, so that nothing begins before anybody looks
    second >= begin + 5 && (second + phase) % period < 2
}

/// An entity of a rule.
pub type Who = (usize, usize);

/// Begin and end of every time of trouble that began and ended between two seconds.
pub fn episodes(begin: i64, end: i64) -> BTreeMap<Who, Vec<(i64, i64)>> {
    let mut all = BTreeMap::new();
    for rule in 0..RULES {
        for entity in 0..ENTITIES {
            all.insert((rule, entity), of_one(begin, end, rule, entity));
        }
    }
    all
}

fn of_one(begin: i64, end: i64, rule: usize, entity: usize) -> Vec<(i64, i64)> {
    let (mut episodes, mut since) = (Vec::new(), None);
    for second in begin..=end {
        match (is_bad(begin, rule, entity, second), since) {
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
