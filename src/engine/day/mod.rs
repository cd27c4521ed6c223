//! A whole day of mixed sources, lived through by the engine as it is in seconds: rules from a file, the checks' own code, the
//! state machine, the store and the outbox. Only the clock is turned by hand, and the double at the door knows what happened.
//!
//! What happened is made up from a seed ([`truth`]). From it the double answers every question ([`door`], [`search`]), and an
//! [`oracle`] who knows neither the checks nor the engine says which alerts are told, and when. The two have to agree to the tick.

mod alert;
mod blind;
mod course;
mod door;
mod flaps;
mod life;
mod luck;
mod oracle;
mod search;
mod sources;
mod truth;
mod verbatim;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    course::World,
    life::Life,
    luck::Spell,
    oracle::{Line, Promise},
    truth::{BELL, DAY, MINUTE, Milli, Place, Truth, Weather},
};

/// The built-in rule whose alert speaks for all others of a cluster.
const GUARD: &str = "elasticsearch-unreachable";

/// `HIGHWATER_CASES` days in all, divided as for other tests that have a store each.
fn days() -> u64 {
    let asked = std::env::var("HIGHWATER_CASES").ok().and_then(|cases| cases.parse::<u64>().ok());
    asked.map_or(2, |cases| (cases / 10_000).max(2))
}

async fn live_through(seed: u64) {
    let truth = Truth::of(seed);
    let life = Life::begin(&truth).await;
    let rules = life.rules.clone();
    let lag = |rule: &str| i64::try_from(rules.rules[rule].timing.lag().as_millis()).unwrap();
    let promises = sources::promises(&truth);
    let (instants, known_away) = (instants(&truth, &promises, lag), known_away(&truth, &promises[0], lag));
    let (mut expected, mut speaks) = (Vec::new(), Vec::new());
    for promise in &promises {
        let world = World { truth: &truth, speaks: &speaks, known_away: &known_away, instants: &instants };
        let lines = course::lines(promise, world, lag(promise.rule));
        if promise.rule == GUARD {
            speaks = spells(&lines);
        }
        expected.extend(lines);
    }
    let heard = life.live().await;
    compare(seed, expected, heard);
}

/// Whenever somebody looks at anything, or what is done beside looking is done.
fn instants(truth: &Truth, promises: &[Promise<'_>], lag: impl Fn(&str) -> Milli) -> BTreeSet<Milli> {
    let looks = promises.iter().flat_map(|promise| promise.looks(truth, lag(promise.rule)).into_keys());
    let bells = (0..).map(|n| BELL + n * MINUTE).take_while(|bell| *bell < DAY);
    let bells = bells.filter(|bell| !truth.down.holds(*bell));
    looks.chain(bells).chain(truth.restarts.iter().copied()).collect()
}

/// From a look of the one that speaks for others that finds nobody, to its first that finds somebody.
fn known_away(truth: &Truth, guard: &Promise<'_>, lag: impl Fn(&str) -> Milli) -> Vec<Spell> {
    assert_eq!(guard.rule, GUARD);
    let mut spells: Vec<Spell> = Vec::new();
    let mut open = false;
    for asked in guard.looks(truth, lag(GUARD)).into_keys() {
        let away = truth.weather(Place::Cluster, asked) == Weather::Away;
        match spells.last_mut() {
            Some(spell) if open => spell.to = if away { DAY } else { asked },
            _ if away => spells.push(Spell { from: asked, to: DAY }),
            _ => {}
        }
        open = away;
    }
    spells
}

/// From each firing to its end.
fn spells(lines: &[Line]) -> Vec<Spell> {
    lines.chunks_exact(2).map(|pair| Spell { from: pair[0].told, to: pair[1].told }).collect()
}

fn sorted(lines: &[Line]) -> Vec<String> {
    let mut lines: Vec<String> = lines.iter().map(Line::to_string).collect();
    lines.sort_unstable();
    lines
}

fn compare(seed: u64, expected: Vec<Line>, heard: Vec<Line>) {
    let (expected, heard) = (sorted(&expected), sorted(&heard));
    assert!(expected.len() > 100, "a quiet day proves little");
    let said = |note: &str| expected.iter().filter(|line| line.ends_with(note)).count();
    assert!(said("flapping") > 20 && said("settled") > 10, "an even day proves nothing of flapping");
    if expected == heard {
        return;
    }
    let (all, told): (BTreeSet<_>, BTreeSet<_>) = (expected.iter().collect(), heard.iter().collect());
    let missing = all.difference(&told).map(|line| format!("  missing {line}"));
    let wrong = told.difference(&all).map(|line| format!("  wrong   {line}"));
    let mut lines: Vec<String> = missing.chain(wrong).collect();
    lines.sort_by_key(|line| line[10..].to_owned());
    let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &lines {
        *rules.entry(line[23..].split(':').next().unwrap_or_default()).or_default() += 1;
    }
    let (of, shown) = (expected.len(), lines.get(..40).unwrap_or(&lines).join("\n"));
    panic!("the day of seed {seed}: {} differences from {of} lines {rules:#?}\n{shown}", lines.len());
}

#[test]
fn every_alert_of_a_day_is_told_when_it_has_to_be_and_no_other() {
    let seeds = std::sync::Mutex::new(0..days());
    let next = || seeds.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        while let Some(seed) = next() {
            runtime.block_on(live_through(seed));
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(work);
        }
    });
}
