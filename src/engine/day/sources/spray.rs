//! Who tries one password with many users: how many of them fail to log in from one country.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{
    oracle::{Promise, Rung, Said},
    truth::{MINUTE, Place, Truth},
};
use crate::model::{Entity, Level};

const COUNTRIES: [&str; 5] = ["DK", "SE", "NO", "FI", "NL"];
/// Of more countries the search does not tell.
const MOST: usize = 2;

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let spray = Promise::new("login-spray", 2 * MINUTE, Place::Documents)
        .windowed()
        .rung(Rung::new(Level::Warning, |users| users >= 3.0))
        .silent_for(20 * MINUTE)
        .says(move |moment| {
            let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            let logins = truth.documents("audit-*", moment.tick - 20 * MINUTE, moment.tick).iter();
            for login in logins.filter(|doc| doc.text("event.outcome") == "failure") {
                users.entry(login.text("source.country")).or_default().insert(login.text("user.name"));
            }
            let said = |country| match users.get(country) {
                // some would be missing, and nobody knows whose
                _ if users.len() > MOST => Said::Nothing,
                None => Said::Silent,
                Some(users) => Said::Number(users.len() as f64),
            };
            BTreeMap::from(COUNTRIES.map(|country| (Entity::of("country", country), said(country))))
        });
    vec![spray]
}
