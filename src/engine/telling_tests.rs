//! In which messages a sink hears of alerts, and in whose words.

use std::collections::BTreeMap;

use super::world::{World, at, percent, rule, unreachable};
use crate::{
    config::Rule,
    model::{
        Entity, Finding, Kind, Missing, Number, Observation, Reading, Time, Unit,
        notification::{Delivery, Status},
        observation::Others,
    },
};

/// Nodes by their values.
fn nodes(values: &[f64]) -> Observation {
    let finding = |value: &f64| Finding::Value(Reading::new(Number::Float(*value), Unit::Percent));
    let node = |(n, value)| (Entity::of("node", format!("es-{n}")), finding(value));
    Observation::Seen {
        findings: values.iter().enumerate().map(node).collect::<BTreeMap<_, _>>(),
        others: Others::Absent,
    }
}

fn paging() -> Rule {
    let mut rule = rule(false);
    rule.policy.grouped = true;
    rule.notify = vec!["pager".to_owned()];
    rule
}

/// `fired es-0` for a message of one alert, `digest 4 of 4` for a shared one.
fn said(deliveries: &[Delivery]) -> Vec<String> {
    let words = deliveries.iter().map(|delivery| {
        let notification = &delivery.notification;
        match &notification.digest {
            Some(digest) => {
                let unproven = if digest.unproven { ", unproven" } else { "" };
                format!("digest {} of {}{unproven}", digest.open, digest.of)
            }
            None => {
                let change = &notification.alerts[0];
                assert_eq!(notification.alerts.len(), 1, "{notification:?}");
                assert_eq!(delivery.lane, change.alert_key);
                format!("{} {}", change.kind.name(), change.entity.get("node").unwrap_or_default())
            }
        }
    });
    words.collect()
}

async fn told(
    signal: impl Fn(Time) -> Observation + Send + Sync + 'static,
    ends: &[&str],
) -> Vec<Vec<String>> {
    let mut world = World::new(paging(), at("09:58"), signal).await;
    let mut all = Vec::new();
    for end in ends {
        world.live_until(at(end)).await;
        let delivered: Vec<Delivery> = world.delivered.drain(..).collect();
        let mut said = said(&delivered);
        said.sort();
        all.push(said);
    }
    all
}

#[tokio::test]
async fn each_alert_has_a_message_of_its_own() {
    let signal = |tick| if tick < at("10:10") { nodes(&[50.0, 60.0, 1.0]) } else { nodes(&[1.0, 1.0, 1.0]) };
    let all = told(signal, &["10:01", "10:15"]).await;
    assert_eq!(all[0], ["fired es-0", "fired es-1"]);
    assert_eq!(all[1], ["resolved es-0", "resolved es-1"]);
}

#[tokio::test]
async fn of_a_flood_the_worst_has_its_own_and_the_others_share_one_until_the_last_of_them_ends() {
    let signal = |tick| match tick {
        tick if tick < at("10:10") => nodes(&[50.0; 6]),
        tick if tick < at("10:20") => nodes(&[1.0, 1.0, 1.0, 50.0, 50.0, 50.0]),
        _ => nodes(&[1.0; 6]),
    };
    let all = told(signal, &["10:01", "10:15", "10:25"]).await;
    assert_eq!(all[0].len(), 2, "{all:?}");
    assert_eq!(all[0][0], "digest 5 of 5");
    let rest: Vec<&String> = all[1..].iter().flatten().filter(|said| said.starts_with("digest")).collect();
    assert_eq!(rest.last().unwrap().as_str(), "digest 0 of 5", "{all:?}");
    let single = all.iter().flatten().filter(|said| said.starts_with("resolved")).count();
    assert_eq!(single, 1, "what was paged alone ends alone: {all:?}");
}

#[tokio::test]
async fn a_digest_of_which_one_ended_without_proof_is_never_proven() {
    let mut paging = paging();
    paging.policy.absent = Missing::resolve();
    let signal = |tick| match tick {
        tick if tick < at("10:10") => nodes(&[50.0; 6]),
        // two nodes are gone, of which at least one shares the digest
        tick if tick < at("10:40") => nodes(&[50.0; 4]),
        _ => nodes(&[1.0; 4]),
    };
    let mut world = World::new(paging, at("09:58"), signal).await;
    world.live_until(at("10:45")).await;
    let mut digests = world.delivered.iter().filter(|one| one.notification.digest.is_some());
    let last = digests.next_back().unwrap().notification.clone();
    assert_eq!(last.status, Status::Resolved);
    assert!(last.alerts.iter().all(|change| change.is_cleared()), "what ended last was proven");
    let digest = last.digest.unwrap();
    assert_eq!((digest.open, digest.of, digest.unproven), (0, 5, true));
}

#[tokio::test]
async fn an_alert_that_lasts_is_shown_anew_and_that_is_no_news() {
    let mut world = World::new(paging(), at("09:58"), |_| nodes(&[50.0])).await;
    world.live_until(at("10:01")).await;
    world.live_until(at("10:05")).await;
    assert_eq!(said(&world.delivered), ["fired es-0"]);
    world.live_until(at("10:12")).await;
    world.live_until(at("10:13")).await;
    assert_eq!(said(&world.delivered), ["fired es-0", "updated es-0"]);
    let updated = &world.delivered[1].notification.alerts[0];
    assert_eq!((updated.kind, updated.note.as_deref()), (Kind::Updated, None));
    assert_ne!(updated.event_id, world.delivered[0].notification.alerts[0].event_id);
    let history = world.store.history(Time::UNIX_EPOCH).await.unwrap();
    assert_eq!(history.len(), 1, "it is not history");
}

#[tokio::test]
async fn a_text_that_cannot_be_filled_in_holds_nothing_back_and_is_told_itself() {
    let mut broken = rule(false);
    broken.message = Some("{{ entity.pod }} is at {{ value }}".to_owned());
    broken.title = Some("{{ summary }} at {{ value }}".to_owned());
    let mut world =
        World::new(broken, at("09:58"), |tick| percent(if tick < at("10:10") { 50.0 } else { 1.0 })).await;
    world.live_until(at("10:06")).await;
    let first = world.delivered[0].clone();
    assert_eq!(first.notification.alerts[0].message, None);
    assert!(
        first.notification.text.starts_with("WARNING: Errors at 50 % (main)"),
        "{}",
        first.notification.text
    );
    assert_eq!(world.said_to("other").len(), 1, "{:?}", world.said_to("other"));
    assert!(world.titles.iter().any(|title| title.contains("A text of rule errors cannot be filled in")));
    let watch = world.engine.watch(&world.key()).unwrap();
    let mut mended = (*watch.lock().await.rule).clone();
    mended.message = Some("now at {{ value }}".to_owned());
    watch.lock().await.rule = std::sync::Arc::new(mended);
    world.live_until(at("10:20")).await;
    assert_eq!(world.said_to("other").len(), 2, "{:?}", world.said_to("other"));
    let last = world.heard.iter().rfind(|(sink, ..)| sink == "ear").unwrap();
    assert_eq!(last.2.message.as_deref(), Some("now at 1 %"));
}

#[tokio::test]
async fn readings_are_published_whatever_their_level_and_a_replay_names_them_the_same() {
    let mut publishing = paging();
    publishing.publish.sinks = vec!["other".to_owned()];
    publishing.publish.on_page = true;
    let signal = |tick: Time| match tick {
        tick if tick < at("10:00") => nodes(&[1.0, 2.0]),
        tick if tick < at("10:01") => unreachable(),
        _ => nodes(&[50.0]),
    };
    let mut world = World::new(publishing.clone(), at("09:58"), signal).await;
    world.live_until(at("10:03")).await;
    let mut published: Vec<_> = world.delivered.iter().filter(|delivery| delivery.sink == "other").collect();
    published.retain(|delivery| !delivery.notification.readings.is_empty());
    let mut seen = Vec::new();
    for delivery in &published {
        assert!(delivery.notification.alerts.is_empty() && delivery.lane.ends_with("readings"));
        for reading in &delivery.notification.readings {
            let (node, value) = (reading.entity.get("node").unwrap(), reading.value.as_f64());
            seen.push((reading.at.format("%H:%M:%S").to_string(), node.to_owned(), value, reading.level));
        }
    }
    assert_eq!(
        &seen[..2],
        [
            ("09:58:00".to_owned(), "es-0".to_owned(), 1.0, None),
            ("09:58:00".to_owned(), "es-1".to_owned(), 2.0, None)
        ]
    );
    assert!(seen.iter().all(|(at, ..)| !at.starts_with("10:00")), "what is unknown has no number: {seen:?}");
    let last = seen.last().unwrap();
    assert_eq!((last.2, last.3.is_some()), (50.0, true), "the level after the look: {seen:?}");
    assert!(world.engine.telemetry.render().contains("node=\"es-0\"} 50.0"));
    let mut again = World::new(publishing, at("09:58"), signal).await;
    again.live_until(at("09:59")).await;
    assert_eq!(again.delivered[0].notification.notification_id, published[0].notification.notification_id);
}
