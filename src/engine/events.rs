//! Events, which are no alerts: each is told once, to whom its rule tells of its level.

use std::collections::BTreeMap;

use crate::{
    engine::{compose, tell::Telling, watch::Watch, whom::whom, withhold::Cause},
    model::{
        Event, identity,
        notification::{Change, Delivery, Digest},
    },
    sinks::{Events, Portions},
};

/// So many events, and about so many bytes of them, are one delivery at a sink that takes many at once.
const MOST: usize = 500;
const MOST_BYTES: usize = 1 << 20;

/// What is sent of them, sink by sink, each in order. An event that a silence or a maintenance window covers is told to nobody,
/// and neither is one to a sink whose route has other hours: it would be no event any more when it is told later.
pub fn tell(telling: &Telling<'_>, watch: &Watch, events: &[Event]) -> Vec<Delivery> {
    let mut by_sink: BTreeMap<&str, Vec<(Change, usize)>> = BTreeMap::new();
    let mut muted = 0_usize;
    for event in events {
        if is_muted(telling, watch, event) {
            muted += 1;
            continue;
        }
        let change = event.change(&watch.key.rule, &watch.key.cluster);
        let change = compose::with_words(telling.faults, watch, change);
        for (sink, hours) in whom(telling, watch, &event.entity, event.level) {
            if hours.is_none() {
                by_sink.entry(sink).or_default().push((change.clone(), event.size));
            }
        }
    }
    if muted > 0 {
        tracing::info!(rule = watch.key.rule, cluster = watch.key.cluster, muted, "events muted");
    }
    by_sink.into_iter().flat_map(|(sink, changes)| cut(telling, watch, sink, changes)).collect()
}

fn is_muted(telling: &Telling<'_>, watch: &Watch, event: &Event) -> bool {
    let labels = watch.rule.labels_of(&watch.key.cluster, &event.entity, Some(event.level));
    let cause = telling.causes.and_then(|causes| causes.of(&labels));
    matches!(cause, Some(Cause::Silence(_) | Cause::Maintenance(..)))
}

fn cut(telling: &Telling<'_>, watch: &Watch, sink: &str, changes: Vec<(Change, usize)>) -> Vec<Delivery> {
    let kind = telling.sinks.get(sink);
    let of = |changes: Vec<Change>| delivery(telling, watch, sink, changes);
    match kind.map_or(Events::Together, |sink| sink.events()) {
        Events::Together => portions(changes).into_iter().map(of).collect(),
        Events::Each { most } if changes.len() <= most => {
            changes.into_iter().map(|(change, _)| of(vec![change])).collect()
        }
        Events::Each { .. } => {
            let mut one = of(changes.into_iter().map(|(change, _)| change).collect());
            if kind.is_some_and(|sink| matches!(sink.portions(), Portions::Each { .. })) {
                one.notification.digest = Some(digest(&one));
            }
            vec![one]
        }
    }
}

/// What one delivery takes.
fn portions(changes: Vec<(Change, usize)>) -> Vec<Vec<Change>> {
    let mut portions: Vec<Vec<Change>> = Vec::new();
    let mut bytes = 0;
    for (change, size) in changes {
        bytes += size;
        match portions.last_mut().filter(|last| last.len() < MOST && bytes <= MOST_BYTES) {
            Some(last) => last.push(change),
            None => {
                bytes = size;
                portions.push(vec![change]);
            }
        }
    }
    portions
}

fn delivery(telling: &Telling<'_>, watch: &Watch, sink: &str, changes: Vec<Change>) -> Delivery {
    let delivery = compose::delivery_in_order(watch, sink, changes, telling);
    Delivery { lane: format!("{}\nevents", delivery.lane), ..delivery }
}

/// Where each alert has a message of its own, many events are one.
fn digest(delivery: &Delivery) -> Digest {
    let of = delivery.notification.alerts.len();
    let id = identity::digest_of_events(&delivery.notification.notification_id);
    Digest { id, of, open: of, unproven: false, standing: Vec::new() }
}
