//! A web shop: requests, and failed logins.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::{
    luck::{Luck, is_in},
    oracle::{Promise, Rung, Said},
    truth::{DAY, Doc, HOUR, MINUTE, Milli, Place, SECOND, Truth},
};
use crate::model::{Entity, Level};

pub const SERVICES: [&str; 2] = ["cart", "search"];
const USERS: [&str; 4] = ["ada", "bob", "cyd", "dan"];

/// Requests every few seconds; in spells many of them fail, in others there are none at all.
pub fn requests(luck: &mut Luck) -> Vec<Doc> {
    let mut all = Vec::new();
    for service in SERVICES {
        let failing = luck.spells((1200, 9000), (60, 2400));
        let silent = luck.spells((7200, 36_000), (120, 2400));
        let [slow, rush] = [(); 2].map(|()| luck.spells((3600, 12_000), (200, 1800)));
        let mut at = -3 * HOUR;
        while at < DAY {
            at += if is_in(&rush, at) { luck.seconds(1, 4) } else { luck.seconds(5, 22) };
            let took = if is_in(&slow, at) { luck.pick(100, 1200) } else { luck.pick(10, 400) };
            let fails = luck.chance(if is_in(&failing, at) { 35 } else { 2 });
            let code =
                if fails { luck.one_of(&[500, 502, 503]) } else { luck.one_of(&[200, 201, 304, 404, 499]) };
            if !is_in(&silent, at) {
                let of = ("service", json!(service));
                all.push(doc(luck, at, vec![of, ("responseCode", json!(code)), ("took_ms", json!(took))]));
            }
        }
    }
    all
}

/// Logins; somebody whose password is tried out fails far more often, and somebody may be abroad.
pub fn failures(luck: &mut Luck) -> Vec<Doc> {
    let mut all = Vec::new();
    for user in USERS {
        let attacked = luck.spells((3600, 14_400), (120, 1800));
        let abroad = luck.spells((7200, 30_000), (60, 3600));
        let mut at = -3 * HOUR;
        while at < DAY {
            let busy = is_in(&attacked, at);
            at += if busy { luck.seconds(10, 60) } else { luck.seconds(200, 900) };
            let outcome = if luck.chance(if busy { 90 } else { 15 }) { "failure" } else { "success" };
            let country = match abroad.iter().position(|spell| spell.holds(at)) {
                Some(n) => ["NO", "FI", "NL"][n % 3],
                None => luck.one_of(&["DK", "SE"]),
            };
            let (user, country) = (("user.name", json!(user)), ("source.country", json!(country)));
            all.push(doc(luck, at, vec![user, country, ("event.outcome", json!(outcome))]));
        }
    }
    all
}

/// It can be found a little later, but within the `query_delay` of a rule.
fn doc(luck: &mut Luck, at: Milli, fields: Vec<(&'static str, serde_json::Value)>) -> Doc {
    let shown = at + luck.pick(0, 29 * SECOND);
    Doc { at, shown, fields }
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let errors = Promise::new("web-errors", MINUTE, Place::Documents)
        .windowed()
        .damped((4, 3 * HOUR, 30 * MINUTE))
        .rung(Rung::new(Level::Critical, |percent| percent > 10.0))
        .says(move |moment| {
            let share = |service: &str| {
                let window = truth.documents("http-*", moment.tick - 5 * MINUTE, moment.tick);
                let of_it = || window.iter().filter(|doc| doc.text("service") == service);
                let failed = of_it().filter(|doc| doc.number("responseCode") >= 500.0).count();
                let total = of_it().count();
                if total < 10 { Said::Silent } else { Said::Number(100.0 * failed as f64 / total as f64) }
            };
            SERVICES.map(|service| (Entity::of("service", service), share(service))).into()
        });
    let failures = Promise::new("login-failures", 2 * MINUTE, Place::Documents)
        .windowed()
        .rung(Rung::new(Level::Warning, |count| count > 5.0).lasting(4 * MINUTE))
        .rung(Rung::new(Level::Critical, |count| count > 15.0).easing(6 * MINUTE))
        .says(move |moment| {
            let window = truth.documents("audit-*", moment.tick - 10 * MINUTE, moment.tick);
            let failed = |user: &str| {
                let of_user = window.iter().filter(|doc| doc.text("user.name") == user);
                of_user.filter(|doc| doc.text("event.outcome") == "failure").count() as f64
            };
            let said = |user| if window.is_empty() { Said::Silent } else { Said::Number(failed(user)) };
            BTreeMap::from(USERS.map(|user| (Entity::of("user.name", user), said(user))))
        });
    vec![errors, failures]
}
