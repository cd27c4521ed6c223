use anstream::adapter::strip_str;

use super::*;
use crate::{
    config::Rule,
    engine::own::ghost,
    model::{Kind, Level, Transition, samples::at},
    store::Card,
};

fn key() -> RuleKey {
    RuleKey::new("errors", "main")
}

fn rule(flapping: Option<Flapping>) -> Rule {
    Rule { flapping, ..ghost(&key(), &Card::default()) }
}

fn past(minute: u32, kind: Kind, node: &str) -> Past {
    let transition = Transition {
        entity: Entity::of("node", node),
        kind,
        level: Level::Warning,
        previous_level: None,
        since: at(9, minute),
        at: at(9, minute),
        n: 0,
        reading: None,
        threshold: None,
        peak: None,
        ending: None,
    };
    Past { key: key(), transition, untold: Vec::new() }
}

/// It fires and ends by turns.
fn changes(minutes: &[u32]) -> Flapped {
    let kinds = [Kind::Fired, Kind::Resolved].into_iter().cycle();
    let history = minutes.iter().zip(kinds).map(|(minute, kind)| past(*minute, kind, "es-1"));
    Flapped { history: history.collect(), told: Vec::new() }
}

fn told(mut flapped: Flapped, sink: &str, level: Level) -> Flapped {
    let row = Told {
        episode_id: "e".to_owned(),
        level: Some(level),
        withheld: None,
        event_id: "e".to_owned(),
        shown: None,
        flapping: true,
        digest: None,
    };
    flapped.told.push((key(), Entity::of("node", "es-1"), sink.to_owned(), row));
    flapped
}

/// What is said at 09:20 of one node at one level.
fn said(flapped: &Flapped, node: &str, level: Level) -> String {
    let (rule, entity) = (rule(Some(Flapping::default())), Entity::of("node", node));
    let alert = Alert { rule: &rule, cluster: "main", level, entity: &entity };
    strip_str(&flapped.in_words(&alert, chrono_tz::UTC, at(9, 20))).to_string()
}

#[test]
fn an_alert_that_does_not_flap_says_when_it_would() {
    let calm = "  it does not flap now; 5 changes within 1h would be damped until nothing changed for 30m\n";
    assert_eq!(said(&changes(&[0, 1, 2, 3]), "es-1", Level::Warning), calm);
    assert_eq!(said(&changes(&[0, 1, 2, 3, 4]), "es-2", Level::Warning), calm, "another one flaps");
}

#[test]
fn an_alert_that_flaps_says_since_when_and_from_whom_that_keeps_what_back() {
    let flaps = changes(&[0, 1, 2, 3, 4]);
    let alone = said(&flaps, "es-1", Level::Warning);
    assert_eq!(alone, "  it flaps since 09:04: nobody was told so yet, and nothing is withheld for it\n");
    let flaps = told(told(flaps, "ear", Level::Warning), "pager", Level::Critical);
    let words = "what changes is withheld from ear, pager until nothing changed for 30m";
    assert!(said(&flaps, "es-1", Level::Warning).contains(words), "{}", said(&flaps, "es-1", Level::Warning));
    assert!(said(&flaps, "es-1", Level::Critical).contains("withheld from pager until"));
    let flaps = told(changes(&[0, 1, 2, 3, 4]), "ear", Level::Warning);
    assert!(said(&flaps, "es-1", Level::Critical).contains("is told at once"));
}

#[test]
fn a_rule_that_damps_nothing_says_so() {
    let (rule, entity) = (rule(None), Entity::of("node", "es-1"));
    let alert = Alert { rule: &rule, cluster: "main", level: Level::Warning, entity: &entity };
    let words = changes(&[0, 1, 2, 3, 4]).in_words(&alert, chrono_tz::UTC, at(9, 20));
    assert_eq!(words, "  flapping is not damped: every change is told\n");
}
