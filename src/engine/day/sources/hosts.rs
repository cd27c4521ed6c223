//! Hosts that send a sample of everything twice a minute, as Metricbeat does.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{
    luck::{Luck, is_in},
    oracle::{Promise, Rung, Said},
    truth::{DAY, Doc, HOUR, MINUTE, Milli, Place, SECOND, Truth},
};
use crate::model::{Entity, Level};

/// The first one always sends.
const HOSTS: [&str; 3] = ["db-1", "web-1", "web-2"];
const MOUNTS: [&str; 2] = ["/", "/data"];
const CORES: i64 = 8;

type Fields = Vec<(&'static str, Value)>;

pub fn samples(luck: &mut Luck) -> Vec<Doc> {
    let mut all = Vec::new();
    for host in HOSTS {
        let silent = if host == "db-1" { Vec::new() } else { luck.spells((5400, 20_000), (120, 1500)) };
        let [busy, full] = [(); 2].map(|()| luck.spells((1800, 10_000), (20, 1800)));
        let stuffed = MOUNTS.map(|_| luck.spells((1800, 10_000), (200, 3600)));
        let mut at = -HOUR + luck.seconds(0, 30);
        while at < DAY {
            at += 30 * SECOND;
            if is_in(&silent, at) {
                continue;
            }
            let load = if is_in(&busy, at) { luck.pick(15, 40) } else { luck.pick(1, 17) };
            let memory = if is_in(&full, at) { luck.pick(89, 99) } else { luck.pick(50, 91) };
            let mut send = |fields: Fields| all.push(sample(luck, (host, at), fields));
            send(vec![
                ("event.dataset", json!("system.load")),
                ("system.load.1", json!(load)),
                ("system.load.cores", json!(CORES)),
            ]);
            send(vec![
                ("event.dataset", json!("system.memory")),
                ("system.memory.actual.used.pct", json!(memory as f64 / 100.0)),
            ]);
            for (mount, stuffed) in MOUNTS.iter().zip(&stuffed) {
                let used = if is_in(stuffed, at) { luck.pick(81, 97) } else { luck.pick(70, 81) };
                all.push(sample(luck, (host, at), file_system(mount, "ext4", used)));
            }
            // an image is full for ever, and nobody's trouble
            all.push(sample(luck, (host, at), file_system("/snap", "squashfs", 100)));
        }
    }
    all
}

fn file_system(mount: &str, kind: &str, used: i64) -> Fields {
    vec![
        ("event.dataset", json!("system.filesystem")),
        ("system.filesystem.mount_point", json!(mount)),
        ("system.filesystem.type", json!(kind)),
        ("system.filesystem.used.pct", json!(used as f64 / 100.0)),
    ]
}

fn sample(luck: &mut Luck, (host, at): (&str, Milli), mut fields: Fields) -> Doc {
    fields.push(("host.name", json!(host)));
    Doc { at, shown: at + luck.pick(0, 25 * SECOND), fields }
}

/// The worst or the best of the last five minutes. That it was so all the time is certain only where samples reach back so far.
fn all_the_time(samples: &[&Doc], number: impl Fn(&Doc) -> f64, (worst, tick): (bool, Milli)) -> Said {
    let numbers = || samples.iter().map(|doc| number(doc));
    let Some(first) = samples.first() else { return Said::Gone };
    let certain = samples.len() >= 5 && first.at <= tick - 4 * MINUTE;
    let (highest, lowest) = (numbers().fold(f64::MIN, f64::max), numbers().fold(f64::MAX, f64::min));
    match (worst, certain) {
        (true, true) => Said::Number(highest),
        (true, false) => Said::AtLeast(highest),
        (false, true) => Said::Number(lowest),
        (false, false) => Said::AtMost(lowest),
    }
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let of = move |tick: Milli, set: &str, host: &str| -> Vec<&Doc> {
        let window = truth.documents("metricbeat-*", tick - 5 * MINUTE, tick).iter();
        window.filter(|doc| doc.text("event.dataset") == set && doc.text("host.name") == host).collect()
    };
    let percent = |field: &'static str| move |doc: &Doc| (doc.number(field) * 100.0).round();
    let rule = |name| Promise::new(name, 2 * MINUTE, Place::Documents).windowed().gone_fires(Level::Warning);
    let load = rule("host-load").rung(Rung::new(Level::Warning, |load| load > 2.0)).says(move |moment| {
        let per_core = |doc: &Doc| doc.number("system.load.1") / CORES as f64;
        let said = |host| all_the_time(&of(moment.tick, "system.load", host), per_core, (true, moment.tick));
        HOSTS.map(|host| (Entity::of("host", host), said(host))).into()
    });
    let memory =
        rule("host-memory").rung(Rung::new(Level::Warning, |used| used > 90.0)).says(move |moment| {
            let used = percent("system.memory.actual.used.pct");
            let said =
                |host| all_the_time(&of(moment.tick, "system.memory", host), used, (true, moment.tick));
            HOSTS.map(|host| (Entity::of("host", host), said(host))).into()
        });
    let disk = rule("host-disk").rung(Rung::new(Level::Warning, |used| used > 80.0)).says(move |moment| {
        let mut said = BTreeMap::new();
        for (host, mount) in HOSTS.iter().flat_map(|host| MOUNTS.map(|mount| (*host, mount))) {
            let samples = of(moment.tick, "system.filesystem", host).into_iter();
            let samples: Vec<&Doc> =
                samples.filter(|doc| doc.text("system.filesystem.mount_point") == mount).collect();
            let used = percent("system.filesystem.used.pct");
            let entity = Entity::new([("host", host), ("mount", mount)]);
            said.insert(entity, all_the_time(&samples, used, (false, moment.tick)));
        }
        said
    });
    vec![load, memory, disk]
}
