//! What is unlike before: a user in a country where that user never was, and a service that runs another version.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::{
    luck::Luck,
    oracle::{Moment, Promise, Rung, Said},
    truth::{DAY, Doc, HOUR, MINUTE, Milli, Place, SECOND, Truth},
};
use crate::model::{Entity, Level};

const SERVICES: [&str; 2] = ["cart", "search"];

/// Each service says its version every other minute; sometimes that is another, and sometimes the old one again.
pub fn versions(luck: &mut Luck) -> Vec<Doc> {
    let mut all = Vec::new();
    for service in SERVICES {
        let releases = luck.spells((3600, 14_400), (1, 2));
        let mut at = -3 * HOUR;
        while at < DAY {
            at += luck.seconds(60, 150);
            let version = releases.iter().filter(|release| release.from <= at).count() % 4;
            let fields = vec![("service", json!(service)), ("version", json!(format!("v{version}")))];
            all.push(Doc { at, shown: at + luck.pick(0, 29 * SECOND), fields });
        }
    }
    all
}

/// The tick of the look before, or as far as the first one reaches back.
fn reaches_back_to(at: usize, ticks: &[Milli]) -> Milli {
    at.checked_sub(1).map_or(ticks[0] - 10 * MINUTE, |before| ticks[before])
}

fn ticks(moment: Moment<'_>) -> Vec<Milli> {
    moment.before.iter().map(|(tick, _)| *tick).chain([moment.tick]).collect()
}

/// Told for ten minutes after the look that saw another version than the last one before.
fn has_changed(truth: &Truth, service: &str, moment: Moment<'_>) -> bool {
    let of = |from, to| {
        truth.documents("deployments-*", from, to).iter().filter(move |doc| doc.text("service") == service)
    };
    let ticks = ticks(moment);
    let lately = (0..ticks.len()).rev().take_while(|at| moment.tick - ticks[*at] < 10 * MINUTE);
    lately.into_iter().any(|at| {
        let from = reaches_back_to(at, &ticks);
        let known = if at == 0 { of(from, ticks[0]).next() } else { of(-4 * HOUR, from).next_back() };
        let known = known.map(|doc| doc.text("version"));
        of(from, ticks[at]).any(|doc| Some(doc.text("version")) != known)
    })
}

/// Told for ten minutes after the look that saw it first, and while there is a login from there.
fn is_new(logins: &[&Doc], moment: Moment<'_>) -> bool {
    let ticks = ticks(moment);
    let first = logins[0].at;
    let Some(found) = ticks.iter().position(|tick| first < *tick) else { return false };
    let learnt = first < ticks[0] - 10 * MINUTE;
    if learnt || moment.tick - ticks[found] >= 10 * MINUTE {
        return false;
    }
    (found..ticks.len()).all(|at| {
        let from = reaches_back_to(at, &ticks).min(ticks[at] - 10 * MINUTE);
        logins.iter().any(|doc| (from..ticks[at]).contains(&doc.at))
    })
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let mut pairs: BTreeMap<Entity, Vec<&Doc>> = BTreeMap::new();
    for doc in truth.documents("audit-*", -4 * HOUR, DAY) {
        let labels = ["user.name", "source.country"].map(|field| (field, doc.text(field)));
        pairs.entry(Entity::new(labels)).or_default().push(doc);
    }
    let abroad = Promise::new("login-abroad", 5 * MINUTE, Place::Documents)
        .windowed()
        .rung(Rung::new(Level::Warning, |logins| logins >= 1.0))
        .says(move |moment| {
            let said = |logins: &[&Doc]| Said::Number(f64::from(is_new(logins, moment)));
            pairs.iter().map(|(pair, logins)| (pair.clone(), said(logins))).collect()
        });
    let versions = Promise::new("version-changed", 5 * MINUTE, Place::Documents)
        .windowed()
        .rung(Rung::new(Level::Info, |others| others >= 1.0))
        .says(move |moment| {
            let said = |service| Said::Number(f64::from(has_changed(truth, service, moment)));
            SERVICES.map(|service| (Entity::of("service", service), said(service))).into()
        });
    vec![abroad, versions]
}
