use proptest::prelude::*;

use super::*;
use crate::model::{
    Entity,
    samples::{at, change, notification, resolved},
};

const ZONE: Tz = Tz::UTC;

/// A change of entity `n`'s episode that began at `since`, at 9 o'clock and so many minutes.
fn of(n: u32, since: u32, kind: Kind, level: Level, minute: u32) -> Change {
    let sample = if kind == Kind::Resolved { resolved(Ending::Cleared) } else { change(kind, level) };
    let (alert_key, episode_id) = (format!("k{n}"), format!("e{n}-{since}"));
    let event_id = format!("{episode_id}-{}-{minute}", kind.name());
    let (since, at) = (at(9, since), at(9, minute));
    Change {
        alert_key,
        episode_id,
        event_id,
        level,
        since,
        at,
        entity: Entity::of("node", format!("es-{n}")),
        ..sample
    }
}

fn delivery(changes: Vec<Change>) -> Delivery {
    let ids: Vec<String> = changes.iter().map(|change| change.event_id.clone()).collect();
    let mut notification = notification(changes);
    notification.notification_id = identity::notification_id("chat", ids.iter().map(String::as_str));
    notification.at = notification.alerts.iter().map(|change| change.at).max().unwrap();
    notification.text = wording::text(&notification, ZONE);
    Delivery::of_rule("chat", notification, ZONE)
}

fn lone(change: Change) -> Delivery {
    let lane = change.alert_key.clone();
    Delivery { lane, ..delivery(vec![change]) }
}

fn fired(n: u32, minute: u32) -> Change {
    of(n, minute, Kind::Fired, Level::Warning, minute)
}

fn over(n: u32, since: u32, minute: u32) -> Change {
    of(n, since, Kind::Resolved, Level::Warning, minute)
}

fn lines(delivery: &Delivery) -> Vec<&str> {
    delivery
        .notification
        .text
        .lines()
        .filter(|line| line.contains("node=") || line.contains("delivered"))
        .collect()
}

#[test]
fn an_alert_that_came_and_went_is_one_line() {
    let merged = for_people(&[delivery(vec![fired(1, 2)]), delivery(vec![over(1, 2, 31)])]);
    assert_eq!(merged.len(), 1);
    let notification = &merged[0].notification;
    assert_eq!((notification.status, notification.alerts.len()), (Status::Resolved, 1));
    assert_eq!(notification.alerts[0].note.as_deref(), Some("fired 09:02, recovered 09:31, delivered late"));
    assert!(
        lines(&merged[0])[0]
            .starts_with("fired 09:02, recovered 09:31, delivered late: node=es-1: recovered")
    );
}

#[test]
fn episodes_that_came_and_went_while_nobody_looked_are_counted_like_any_others() {
    let whole = |since: u32| {
        let note = Some("told late".to_owned());
        lone(Change { came_and_went: true, note, ..over(1, since, since + 1) })
    };
    let merged = for_people(&[lone(over(1, 0, 1)), whole(2), whole(4), whole(6)]);
    let told: Vec<_> = merged
        .iter()
        .map(|one| (one.notification.alerts.len(), one.notification.alerts[0].passed.map(|p| p.episodes)))
        .collect();
    assert_eq!(
        told,
        [(1, None), (1, Some(2))],
        "the end of the one they know, then the newest, with a count"
    );
    let note = merged[1].notification.alerts[0].note.as_deref();
    assert_eq!(note, Some("came and went 2 times before, from 09:02 to 09:05; told late"));
}

#[test]
fn what_was_merged_before_is_known_as_what_it_was_when_it_is_merged_again() {
    let once = for_people(&[lone(fired(1, 2)), lone(over(1, 2, 3)), lone(fired(1, 4)), lone(over(1, 4, 5))]);
    let twice = for_people(&[once, vec![lone(fired(1, 6)), lone(over(1, 6, 7))]].concat());
    let [message] = &twice[..] else { panic!("{} messages", twice.len()) };
    let [alert] = &message.notification.alerts[..] else { panic!("{:?}", message.notification.alerts) };
    assert_eq!((alert.since, alert.passed.map(|passed| passed.episodes)), (at(9, 6), Some(2)));
}

#[test]
fn what_ended_without_a_proof_is_not_called_recovered() {
    let end = Change { reason: Some(Ending::Vanished), ..over(1, 2, 31) };
    let merged = for_people(&[delivery(vec![fired(1, 2)]), delivery(vec![end])]);
    assert_eq!(
        merged[0].notification.alerts[0].note.as_deref(),
        Some("fired 09:02, closed 09:31, delivered late")
    );
}

#[test]
fn of_what_still_fires_people_hear_where_it_stands() {
    let raised =
        Change { previous_level: Some(Level::Warning), ..of(1, 2, Kind::Raised, Level::Critical, 5) };
    let lowered =
        Change { previous_level: Some(Level::Critical), ..of(1, 2, Kind::Lowered, Level::Warning, 9) };
    let merged = for_people(&[
        delivery(vec![fired(1, 2), fired(2, 2)]),
        delivery(vec![raised.clone()]),
        delivery(vec![lowered.clone()]),
    ]);
    let told: Vec<_> =
        merged[0].notification.alerts.iter().map(|one| (one.kind, one.level, one.note.as_deref())).collect();
    let was = Some("was critical meanwhile");
    assert_eq!(told, [(Kind::Fired, Level::Warning, was), (Kind::Fired, Level::Warning, None)]);
    let back = for_people(&[delivery(vec![raised]), delivery(vec![lowered])])
        .remove(0)
        .notification
        .alerts
        .remove(0);
    assert_eq!((back.kind, back.note.as_deref()), (Kind::Lowered, was), "never nothing");
}

#[test]
fn where_every_alert_has_its_own_message_an_episode_that_is_known_ends_in_it() {
    let waiting = [
        lone(over(1, 0, 1)),
        lone(fired(1, 2)),
        lone(over(1, 2, 3)),
        lone(fired(1, 4)),
        lone(over(1, 4, 5)),
        lone(fired(1, 6)),
    ];
    let merged = for_people(&waiting);
    assert_eq!(merged.len(), 2);
    assert_eq!(merged[0], waiting[0], "and nothing is said of it anew");
    let newest = &merged[1].notification.alerts[..];
    let [newest] = newest else { panic!("{newest:?}") };
    assert_eq!(newest.note.as_deref(), Some("came and went 2 times before, from 09:02 to 09:05"));
    assert_eq!(newest.passed.map(|passed| passed.episodes), Some(2));
    assert_eq!(newest.episode_id, "e1-6");
}

#[test]
fn a_service_gets_the_end_of_what_it_knows_then_the_newest_trigger_then_its_end() {
    let waiting: Vec<Delivery> = [
        over(1, 0, 1),
        fired(1, 2),
        over(1, 2, 3),
        fired(1, 4),
        of(1, 4, Kind::Raised, Level::Critical, 5),
        over(1, 4, 6),
    ]
    .map(|change| delivery(vec![change]))
    .to_vec();
    let merged = for_services(&waiting);
    let told: Vec<_> = merged
        .iter()
        .map(|one| {
            let only = &one.notification.alerts[0];
            (only.kind, only.level, only.episode_id.as_str())
        })
        .collect();
    assert_eq!(
        told,
        [
            (Kind::Resolved, Level::Warning, "e1-0"),
            (Kind::Fired, Level::Critical, "e1-4"),
            (Kind::Resolved, Level::Warning, "e1-4")
        ]
    );
    assert_eq!(
        merged[1].notification.alerts[0].note.as_deref(),
        Some("came and went once before, from 09:02 to 09:03")
    );
    assert_eq!(merged[2], waiting[5]);
}

#[test]
fn an_update_takes_over_what_an_older_one_knew_of_others() {
    let update = |n, minute| of(n, 0, Kind::Updated, Level::Warning, minute);
    let both = updates(&delivery(vec![update(1, 5), update(2, 5)]), delivery(vec![update(1, 9)]));
    let told: Vec<_> = both.notification.alerts.iter().map(|one| (one.alert_key.as_str(), one.at)).collect();
    assert_eq!(told, [("k1", at(9, 9)), ("k2", at(9, 5))]);
    assert_eq!(without(&both, |one| one.alert_key == "k1").unwrap().notification.alerts.len(), 1);
    assert_eq!(without(&both, |_| true), None);
}

/// What happens to each of three alerts, minute by minute: by a number, one step of its life.
fn timeline() -> impl Strategy<Value = (Vec<Vec<u8>>, bool)> {
    (prop::collection::vec(prop::collection::vec(0u8..6, 3), 2..40), any::<bool>())
}

/// Deliveries of one lane as an engine would make them.
fn waiting(steps: &[Vec<u8>], known: bool) -> Vec<Delivery> {
    let mut open: Vec<Option<(u32, Level)>> = vec![known.then_some((0, Level::Warning)); 3];
    let mut all = Vec::new();
    for (minute, step) in (1..).zip(steps) {
        let mut changes = Vec::new();
        for (n, what) in (0u32..).zip(step) {
            let slot = &mut open[n as usize];
            let (kind, level, since) = match (*slot, what) {
                (None, 0..=1) => (Kind::Fired, Level::Warning, minute),
                (Some((since, level)), 2) => (Kind::Resolved, level, since),
                (Some((since, Level::Warning)), 3) => (Kind::Raised, Level::Critical, since),
                (Some((since, Level::Critical)), 3) => (Kind::Lowered, Level::Warning, since),
                (Some((since, level)), 4) => (Kind::Updated, level, since),
                (Some((since, level)), 5) => (Kind::Reminded, level, since),
                _ => continue,
            };
            let previous_level = slot.map(|(_, level)| level);
            *slot = (kind != Kind::Resolved).then_some((since, level));
            changes.push(Change { previous_level, ..of(n, since, kind, level, minute) });
        }
        if !changes.is_empty() {
            all.push(delivery(changes));
        }
    }
    all
}

type Ends = (Vec<(String, Option<Level>)>, u32);

/// By alert: its episodes in order, each with the level that it is left with; and how many.
fn ends(deliveries: &[Delivery]) -> BTreeMap<String, Ends> {
    let mut ends: BTreeMap<String, Ends> = BTreeMap::new();
    for change in deliveries.iter().flat_map(|delivery| &delivery.notification.alerts) {
        let (episodes, counted) = ends.entry(change.alert_key.clone()).or_default();
        *counted += change.passed.map_or(0, |passed| passed.episodes);
        let level = (change.kind != Kind::Resolved).then_some(change.level);
        match episodes.last_mut() {
            Some((episode, end)) if *episode == change.episode_id => *end = level,
            _ => episodes.push((change.episode_id.clone(), level)),
        }
    }
    ends
}

fn assert_conserved(before: &[Delivery], after: &[Delivery]) {
    let (was, is) = (ends(before), ends(after));
    assert_eq!(was.keys().collect::<Vec<_>>(), is.keys().collect::<Vec<_>>());
    for (alert, (episodes, counted)) in &was {
        let (kept, now_counted) = &is[alert];
        assert_eq!(
            episodes.len() as u32 + counted,
            kept.len() as u32 + now_counted,
            "{alert}: an episode is lost"
        );
        assert_eq!(episodes.last(), kept.last(), "{alert}: it stands where it stood");
        let mut order = episodes.iter();
        assert!(kept.iter().all(|one| order.any(|known| known == one)), "{alert}: the order changed");
    }
}

fn key(delivery: &Delivery) -> &str {
    &delivery.notification.notification_id
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_order_is_kept_however_often_it_is_merged((steps, known) in timeline(), cut in 1usize..39) {
        let waiting = waiting(&steps, known);
        for merge in [for_people, for_services] {
            let merged = merge(&waiting);
            assert_conserved(&waiting, &merged);
            prop_assert_eq!(&merged, &merge(&waiting));
            // part of it was merged before
            let (early, late) = waiting.split_at(cut.min(waiting.len()));
            let again = merge(&[merge(early), late.to_vec()].concat());
            assert_conserved(&waiting, &again);
            prop_assert!(again.len() <= merged.len(), "to be merged twice makes more of it");
            let mut keys: Vec<&str> = merged.iter().map(key).collect();
            keys.sort_unstable();
            keys.dedup();
            prop_assert_eq!(keys.len(), merged.len(), "two messages under one key");
        }
        prop_assert!(for_people(&waiting).len() <= 1);
        prop_assert!(for_services(&waiting).len() <= 3);
    }

    #[test]
    fn a_service_hears_trigger_and_resolve_in_turn((steps, known) in timeline()) {
        let mut open: BTreeMap<String, bool> = BTreeMap::new();
        for change in for_services(&waiting(&steps, known)).iter().flat_map(|delivery| &delivery.notification.alerts) {
            let is_open = open.entry(change.alert_key.clone()).or_insert(known);
            match change.kind {
                Kind::Fired => prop_assert!(!std::mem::replace(is_open, true)),
                Kind::Resolved => prop_assert!(std::mem::replace(is_open, false)),
                _ => prop_assert!(*is_open),
            }
        }
    }
}
