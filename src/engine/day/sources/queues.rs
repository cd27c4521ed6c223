//! Queues that say how deep they are and how old their oldest message is. Some say it in words for a while, or not at all.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{
    luck::{Luck, is_in},
    oracle::{Promise, Rung, Said, one},
    truth::{DAY, Doc, HOUR, MINUTE, Milli, Place, SECOND, Truth},
};
use crate::model::{Entity, Level};

const QUEUES: [&str; 2] = ["mail", "orders"];

pub fn samples(luck: &mut Luck) -> Vec<Doc> {
    let mut all = Vec::new();
    for queue in QUEUES {
        let [deep, flooded] = [(); 2].map(|()| luck.spells((3600, 14_400), (60, 1800)));
        let restless = luck.spells((5400, 16_000), (1800, 5400));
        let [silent, odd] = [(); 2].map(|()| luck.spells((7200, 28_800), (200, 2400)));
        let mut at = -HOUR;
        while at < DAY {
            at += luck.seconds(20, 60);
            let is_up = at.div_euclid(3 * MINUTE) % 2 == 0;
            let depth = match is_in(&restless, at) {
                _ if is_in(&flooded, at) => luck.pick(400, 900),
                _ if is_in(&deep, at) => luck.pick(80, 300),
                true if is_up => luck.pick(120, 220),
                _ => luck.pick(0, 60),
            };
            let age = depth * luck.pick(1, 8);
            let fields = if is_in(&odd, at) { in_words(at) } else { in_numbers(depth, age) };
            let fields = [("queue", json!(queue))].into_iter().chain(fields).collect();
            if !is_in(&silent, at) {
                all.push(Doc { at, shown: at + luck.pick(0, 29 * SECOND), fields });
            }
        }
    }
    all
}

type Fields = Vec<(&'static str, Value)>;

fn in_numbers(depth: i64, age: i64) -> Fields {
    vec![("depth", json!(depth)), ("age", json!(age))]
}

/// Neither is a number, and the second is no text either.
fn in_words(at: Milli) -> Fields {
    if at / MINUTE % 2 == 0 { vec![("depth", json!("deep"))] } else { Vec::new() }
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let of = move |queue: &'static str, from: Milli, to: Milli| {
        truth.documents("queues-*", from, to).iter().filter(move |doc| doc.text("queue") == queue)
    };
    let depth = Promise::new("queue-depth", 2 * MINUTE, Place::Documents)
        .windowed()
        .rung(Rung::new(Level::Warning, |depth| depth > 100.0))
        .rung(Rung::new(Level::Critical, |depth| depth >= 500.0).lasting(2 * MINUTE))
        .damped((5, HOUR, 30 * MINUTE))
        .silence_fires(10 * MINUTE, Level::Warning)
        .says(move |moment| {
            let last = of("orders", moment.tick - 5 * MINUTE, moment.tick).next_back();
            let said = match last.map(|doc| doc.field("depth").and_then(Value::as_f64)) {
                None => Said::Silent,
                Some(None) => Said::Nothing,
                Some(Some(depth)) => Said::Number(depth),
            };
            one(Entity::empty(), said)
        });
    let age = Promise::new("queue-age", 2 * MINUTE, Place::Documents)
        .windowed()
        .rung(Rung::new(Level::Warning, |seconds| seconds > 600.0))
        .rung(Rung::new(Level::Critical, |seconds| seconds > 1800.0).lasting(4 * MINUTE))
        .damped((4, 2 * HOUR, 20 * MINUTE))
        .silent_for(20 * MINUTE)
        .says(move |moment| {
            let ages =
                |queue| of(queue, moment.tick - 5 * MINUTE, moment.tick).filter_map(|doc| doc.field("age"));
            let oldest = |queue| ages(queue).filter_map(Value::as_f64).reduce(f64::max);
            let said = |queue| oldest(queue).map_or(Said::Silent, Said::Number);
            BTreeMap::from(QUEUES.map(|queue| (Entity::of("queue", queue), said(queue))))
        });
    vec![depth, age]
}
