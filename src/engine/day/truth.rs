//! What happened that day, and when: the pure model from which both the double at the door and the oracle speak.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::Value;

use super::{
    luck::{Luck, Spell, is_in},
    sources::{
        cluster::Cluster,
        disks::Disks,
        hosts,
        kubernetes::Nodes,
        kurrent::Kurrent,
        ledger::Ledger,
        news,
        pods::Pods,
        queues,
        shards::Shards,
        shop::Shop,
        signs, web,
        zeebe::{self, Incident},
    },
};
use crate::model::Time;

/// Milliseconds since the midnight with which the day begins; what is before it is negative.
pub type Milli = i64;

pub const SECOND: Milli = 1000;
pub const MINUTE: Milli = 60 * SECOND;
pub const HOUR: Milli = 60 * MINUTE;
pub const DAY: Milli = 24 * HOUR;

pub fn time(at: Milli) -> Time {
    midnight() + TimeDelta::milliseconds(at)
}

pub fn milli(time: Time) -> Milli {
    (time - midnight()).num_milliseconds()
}

/// So long after each full minute is done what is done beside looking.
pub const BELL: Milli = 29_900;

/// In seconds since the epoch.
pub const MIDNIGHT: i64 = 1_772_409_600;

fn midnight() -> Time {
    Time::from_timestamp(MIDNIGHT, 0).unwrap()
}

/// A document: when it happened, and when it can be found, which is a little later.
#[derive(Clone, Debug)]
pub struct Doc {
    pub at: Milli,
    pub shown: Milli,
    pub fields: Vec<(&'static str, Value)>,
}

impl Doc {
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    pub fn text(&self, name: &str) -> &str {
        self.field(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn number(&self, name: &str) -> f64 {
        self.field(name).and_then(Value::as_f64).unwrap_or_default()
    }
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Elasticsearch, about itself.
    Cluster,
    /// Elasticsearch, about documents.
    Documents,
    Kubernetes,
    /// Nobody who could be away.
    Nowhere,
}

impl Place {
    /// Of the cluster `main`.
    pub fn is_main(self) -> bool {
        matches!(self, Self::Cluster | Self::Documents)
    }
}

/// Whether an answer can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Fine,
    /// Nobody answers.
    Away,
    /// Some shards do not.
    Partial,
}

/// Everything that happened.
pub struct Truth {
    pub seed: u64,
    /// Nobody evaluates then: the daemon was stopped, and started again.
    pub down: Spell,
    /// The daemon is killed, and starts again at once.
    pub restarts: Vec<Milli>,
    /// Nobody wants to be told of these rules then.
    pub muted: [(&'static str, Spell); 2],
    cluster_away: Vec<Spell>,
    shards_missing: Vec<Spell>,
    kubernetes_away: Vec<Spell>,
    /// By index pattern, in the order of their time.
    documents: BTreeMap<&'static str, Vec<Doc>>,
    pub cluster: Cluster,
    pub disks: Disks,
    pub nodes: Nodes,
    pub kurrent: Kurrent,
    pub shop: Shop,
    pub pods: Pods,
    pub pings: Vec<Milli>,
    pub incidents: Vec<Incident>,
    pub shards: Shards,
    pub ledger: Ledger,
}

impl Truth {
    pub fn of(seed: u64) -> Self {
        let mut luck = Luck::new(seed);
        let incidents = zeebe::incidents(&mut luck);
        let mut documents = BTreeMap::from([
            ("http-*", web::requests(&mut luck)),
            ("audit-*", web::failures(&mut luck)),
            ("metricbeat-*", hosts::samples(&mut luck)),
            ("notifications-*", signs::notifications(&mut luck)),
            ("deployments-*", news::versions(&mut luck)),
            ("queues-*", queues::samples(&mut luck)),
            ("zeebe-record_incident_*", zeebe::records(&mut luck, &incidents)),
        ]);
        documents.values_mut().for_each(|all| all.sort_by_key(|doc| doc.at));
        Self {
            seed,
            // no two of them at one time: what each of them does is to be seen
            cluster_away: vec![luck.in_hour(2, (20, 200)), luck.in_hour(14, (600, 2400))],
            down: luck.in_hour(8, (1200, 1201)),
            shards_missing: vec![luck.in_hour(11, (120, 900)), luck.in_hour(19, (240, 1200))],
            restarts: vec![luck.in_hour(5, (1, 2)).from, luck.in_hour(21, (1, 2)).from],
            kubernetes_away: vec![luck.in_hour(6, (60, 200)), luck.in_hour(17, (400, 900))],
            cluster: Cluster::of(&mut luck),
            disks: Disks::of(&mut luck),
            nodes: Nodes::of(&mut luck),
            kurrent: Kurrent::of(&mut luck),
            shop: Shop::of(&mut luck),
            pods: Pods::of(&mut luck),
            pings: signs::pings(&mut luck),
            incidents,
            documents,
            muted: [("kubernetes-pods", 10), ("kurrentdb-load", 15)].map(|(rule, hour)| {
                let from = hour * HOUR + luck.pick(0, 60) * MINUTE + BELL;
                (rule, Spell { from, to: from + luck.pick(30, 120) * MINUTE })
            }),
            shards: Shards::of(&mut luck),
            ledger: Ledger::of(&mut luck),
        }
    }

    pub fn weather(&self, place: Place, at: Milli) -> Weather {
        match place {
            Place::Cluster | Place::Documents if is_in(&self.cluster_away, at) => Weather::Away,
            Place::Documents if is_in(&self.shards_missing, at) => Weather::Partial,
            Place::Kubernetes if is_in(&self.kubernetes_away, at) => Weather::Away,
            _ => Weather::Fine,
        }
    }

    /// All documents of a pattern with a time in `from..to`, whether they can be found already or not.
    pub fn documents(&self, pattern: &str, from: Milli, to: Milli) -> &[Doc] {
        let all = self.documents.get(pattern).map(Vec::as_slice).unwrap_or_default();
        let place = |at: Milli| all.partition_point(|doc| doc.at < at);
        &all[place(from)..place(to).max(place(from))]
    }
}
