//! Zeebe's incidents, as its exporter writes them: two partitions, each with a sequence of its own.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::{
    luck::Luck,
    oracle::{Moment, Promise, Rung, Said},
    truth::{DAY, Doc, MINUTE, Milli, Place, SECOND, Truth},
};
use crate::model::{Entity, Level};

const HOLD: Milli = 5 * SECOND;
const PROCESSES: [&str; 2] = ["order", "refund"];

/// One incident.
pub struct Incident {
    process: &'static str,
    key: i64,
    instance: i64,
    created: Milli,
    ended: Milli,
    /// It was tried to resolve it, and another took its place at the same instant.
    replaced: bool,
}

pub fn incidents(luck: &mut Luck) -> Vec<Incident> {
    let mut all = Vec::new();
    for process in PROCESSES {
        let mut at = 0;
        while at < DAY {
            at += luck.seconds(60, 7200);
            for _ in 0..luck.one_of(&[1, 1, 2, 6]) {
                let (mut created, instance) = (at + luck.seconds(0, 120), luck.pick(0, 1 << 40));
                let tries = luck.one_of(&[0, 0, 0, 1, 2]);
                for n in 0..=tries {
                    let (key, ended) = (all.len() as i64 + (1 << 51), created + luck.seconds(5, 3000));
                    all.push(Incident { process, key, instance, created, ended, replaced: n < tries });
                    created = ended;
                }
            }
        }
    }
    all
}

/// Every record, in the order in which the broker wrote them; what resolving did not mend follows at once.
pub fn records(luck: &mut Luck, incidents: &[Incident]) -> Vec<Doc> {
    let mut events: Vec<(Milli, bool, &Incident)> = Vec::new();
    for incident in incidents {
        events.push((incident.created, true, incident));
        events.push((incident.ended, false, incident));
    }
    events.sort_by_key(|(at, created, incident)| (*at, *created, incident.key));
    let mut sequences = [1_i64 << 51, 2 << 51];
    let record = |(at, created, incident): (Milli, bool, &Incident)| {
        let partition = PROCESSES.iter().position(|process| *process == incident.process).unwrap();
        sequences[partition] += 1;
        let fields = vec![
            ("key", json!(incident.key)),
            ("intent", json!(if created { "CREATED" } else { "RESOLVED" })),
            ("recordType", json!("EVENT")),
            ("valueType", json!("INCIDENT")),
            ("sequence", json!(sequences[partition])),
            ("partitionId", json!(partition + 1)),
            (
                "value",
                json!({
                    "bpmnProcessId": incident.process, "elementId": "pay", "errorType": "JOB_NO_RETRIES",
                    "tenantId": "<default>", "errorMessage": "no retries left", "elementInstanceKey": incident.instance,
                }),
            ),
        ];
        Doc { at, shown: at + luck.pick(0, 8 * SECOND), fields }
    };
    events.into_iter().map(record).collect()
}

impl Incident {
    /// That one was resolved is believed five seconds after it was.
    fn is_open(&self, moment: Moment<'_>) -> bool {
        let over = if self.replaced { self.ended < moment.tick } else { moment.tick - self.ended >= HOLD };
        self.created < moment.tick && !over
    }
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let incidents = Promise::new("zeebe-incidents", 2 * MINUTE, Place::Documents)
        .rung(Rung::new(Level::Warning, |open| open >= 1.0))
        .rung(Rung::new(Level::Critical, |open| open >= 4.0).lasting(3 * MINUTE))
        .says(move |moment| {
            let of = |process: &str| {
                let labels = [("bpmnProcessId", process), ("elementId", "pay")];
                Entity::new(
                    labels.into_iter().chain([("errorType", "JOB_NO_RETRIES"), ("tenantId", "<default>")]),
                )
            };
            let open = |process: &str| {
                let of_it = truth.incidents.iter().filter(|incident| incident.process == process);
                Said::Number(of_it.filter(|incident| incident.is_open(moment)).count() as f64)
            };
            PROCESSES.map(|process| (of(process), open(process))).into_iter().collect::<BTreeMap<_, _>>()
        });
    vec![incidents]
}
