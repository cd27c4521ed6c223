//! What to send: the difference between the alerts and what each sink was told of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono_tz::Tz;

use crate::{
    config::settings::SinkTexts,
    engine::{portions, subject::Subject, texts::Faults, watch::Watch, withhold::Causes},
    model::{
        Entity, RuleState, Time, Transition,
        flapping::Flaps,
        notification::{Change, Delivery, Told},
        route::Route,
    },
    sinks::Sink,
};

/// What telling needs to know beside the alerts.
#[derive(Clone, Copy, Debug)]
pub struct Telling<'a> {
    pub now: Time,
    pub zone: Tz,
    pub routes: &'a [Route],
    /// `None`: nothing is withheld, for it could never be told later.
    pub causes: Option<&'a Causes<'a>>,
    /// What a reminder of a blind rule says first.
    pub last_seen: Option<Time>,
    pub sinks: &'a BTreeMap<String, Arc<dyn Sink>>,
    /// What the settings say in place of a rule's words, by sink.
    pub texts: &'a BTreeMap<String, SinkTexts>,
    pub faults: &'a Faults,
}

/// What happened in a turn.
#[derive(Clone, Copy, Debug)]
pub struct Happened<'a> {
    pub transitions: &'a [Transition],
    /// Alerts without news that a sink is to be shown anew.
    pub refreshed: &'a [(Entity, String)],
    /// How often alerts came and went, this turn included.
    pub flaps: &'a BTreeMap<Entity, Flaps>,
}

/// What telling changes.
#[derive(Debug, Default)]
pub struct News {
    pub told: Vec<(Entity, String, Option<Told>)>,
    pub deliveries: Vec<Delivery>,
}

/// Compares the alerts that changed, and those of which something was withheld, with what each sink was told.
pub fn tell(telling: &Telling<'_>, watch: &Watch, state: &RuleState, happened: Happened<'_>) -> News {
    let mut by_entity: BTreeMap<&Entity, Vec<&Transition>> = BTreeMap::new();
    for transition in happened.transitions {
        by_entity.entry(&transition.entity).or_default().push(transition);
    }
    let waiting = watch.told.iter().filter(|(_, sinks)| sinks.values().any(is_waiting));
    let refreshed: BTreeSet<(&Entity, &str)> =
        happened.refreshed.iter().map(|(entity, sink)| (entity, sink.as_str())).collect();
    for entity in waiting.map(|(entity, _)| entity).chain(refreshed.iter().map(|(entity, _)| *entity)) {
        by_entity.entry(entity).or_default();
    }
    let mut news = News::default();
    let mut by_sink: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    for (entity, transitions) in by_entity {
        let flaps = happened.flaps.get(entity);
        let subject = Subject::new(telling, watch, (entity, state.alerts.get(entity)), &transitions, flaps);
        for sink in subject.sinks() {
            let before = watch.told.get(entity).and_then(|sinks| sinks.get(&sink));
            let (mut changes, mut after) = subject.news_for(&sink, before);
            if changes.is_empty() && refreshed.contains(&(entity, sink.as_str())) {
                changes.extend(subject.update(after.as_ref()));
            }
            if let (false, Some(after)) = (changes.is_empty(), &mut after) {
                after.shown = Some(telling.now);
            }
            if before != after.as_ref() {
                news.told.push((entity.clone(), sink.clone(), after));
            }
            if !changes.is_empty() {
                by_sink.entry(sink).or_default().extend(changes);
            }
        }
    }
    for (sink, changes) in by_sink {
        let cut = portions::cut(telling, watch, state, (&sink, changes), &mut news.told);
        news.deliveries.extend(cut);
    }
    news
}

/// Whether what withholds news of this rule has changed, so that a turn would tell them, or say anew what withholds them.
pub fn is_due(telling: &Telling<'_>, watch: &Watch) -> bool {
    watch.told.iter().filter(|(_, sinks)| sinks.values().any(is_waiting)).any(|(entity, sinks)| {
        let (alert, flaps) = (watch.state.alerts.get(entity), watch.flaps.get(entity));
        let subject = Subject::new(telling, watch, (entity, alert), &[], flaps);
        sinks.iter().any(|(sink, told)| subject.waits_for_something_else(sink, told))
    })
}

/// Whether something may have to be told of this rule without a look at it.
pub fn waits(watch: &Watch) -> bool {
    watch.told.values().flat_map(BTreeMap::values).any(is_waiting)
}

/// Something happens to it without a look: what withholds news ends, or a flapping alert settles.
fn is_waiting(told: &Told) -> bool {
    told.withheld.is_some() || told.flapping
}
