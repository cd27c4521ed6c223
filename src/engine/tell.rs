//! What to send: the difference between the alerts and what each sink was told of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono_tz::Tz;

use crate::{
    config::settings::SinkTexts,
    engine::{compose, portions, texts::Faults, watch::Watch},
    model::{
        Alert, Entity, Kind, Level, RuleState, Time, Transition,
        alert::Silent,
        identity,
        notification::{Change, Delivery, Told, Withheld, news},
        time::elapsed,
    },
    sinks::Sink,
    store::Mute,
};

/// What telling needs to know beside the alerts.
#[derive(Clone, Copy, Debug)]
pub struct Telling<'a> {
    pub now: Time,
    pub zone: Tz,
    pub mutes: &'a [Mute],
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
}

/// What telling changes.
#[derive(Debug, Default)]
pub struct News {
    pub told: Vec<(Entity, String, Option<Told>)>,
    pub deliveries: Vec<Delivery>,
}

/// Compares the alerts that changed, and those that a mute withheld, with what each sink was told.
pub fn tell(telling: &Telling<'_>, watch: &Watch, state: &RuleState, happened: Happened<'_>) -> News {
    let mut by_entity: BTreeMap<&Entity, Vec<&Transition>> = BTreeMap::new();
    for transition in happened.transitions {
        by_entity.entry(&transition.entity).or_default().push(transition);
    }
    let withheld = watch.told.iter().filter(|(_, sinks)| sinks.values().any(|told| told.withheld.is_some()));
    for entity in
        withheld.map(|(entity, _)| entity).chain(happened.refreshed.iter().map(|(entity, _)| entity))
    {
        by_entity.entry(entity).or_default();
    }
    let mut news = News::default();
    let mut by_sink: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    for (entity, transitions) in by_entity {
        let subject = Subject::new(telling, watch, entity, state.alerts.get(entity), &transitions);
        for sink in subject.sinks() {
            let before = watch.told.get(entity).and_then(|sinks| sinks.get(&sink));
            let (mut changes, mut after) = subject.news_for(&sink, before);
            if changes.is_empty()
                && happened.refreshed.iter().any(|one| *one == (entity.clone(), sink.clone()))
            {
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
        let cut = portions::cut(telling, watch, (&sink, changes), &mut news.told);
        news.deliveries.extend(cut);
    }
    news
}

/// One alert, with what happened to it in this turn.
struct Subject<'a> {
    telling: &'a Telling<'a>,
    watch: &'a Watch,
    entity: &'a Entity,
    alert: Option<&'a Alert>,
    transitions: &'a [&'a Transition],
    /// The open episode and its told level.
    open: Option<(String, Level)>,
    mute: Option<&'a Mute>,
}

impl<'a> Subject<'a> {
    fn new(
        telling: &'a Telling<'a>,
        watch: &'a Watch,
        entity: &'a Entity,
        alert: Option<&'a Alert>,
        transitions: &'a [&'a Transition],
    ) -> Self {
        let key = identity::alert_key(&watch.key.rule, &watch.key.cluster, entity);
        let level_and_since = alert.and_then(|alert| Some((alert.level?, alert.since?)));
        let open = level_and_since.map(|(level, since)| (identity::episode_id(&key, since), level));
        let mute = telling.mutes.iter().find(|mute| mute.covers(&watch.key.rule, entity, telling.now));
        Self { telling, watch, entity, alert, transitions, open, mute }
    }

    /// Everybody who was told, and everybody who is to be.
    fn sinks(&self) -> BTreeSet<String> {
        let told = self.watch.told.get(self.entity).into_iter().flat_map(BTreeMap::keys).cloned();
        let levels = self.transitions.iter().map(|transition| transition.level);
        let levels = levels.chain(self.open.as_ref().map(|(_, level)| *level));
        let wanted = levels.flat_map(|level| self.watch.rule.sinks_for(level)).cloned();
        told.chain(wanted).collect()
    }

    fn wants(&self, sink: &str, level: Level) -> bool {
        self.watch.rule.sinks_for(level).iter().any(|name| name == sink)
    }

    /// What this sink has to hear, and what it will then have been told.
    fn news_for(&self, sink: &str, before: Option<&Told>) -> (Vec<Change>, Option<Told>) {
        let mut changes: Vec<Change> = self.passing_episodes(sink, before).collect();
        let mut told = before.cloned();
        let open = self.open.as_ref().map(|(episode, level)| (episode.as_str(), *level));
        let wanted = self.open.as_ref().is_some_and(|(_, level)| self.wants(sink, *level));
        while let Some(kind) = news(open, told.as_ref(), wanted) {
            let change = self.change(kind, told.as_ref());
            told = after(kind, &change, told);
            changes.push(change);
        }
        changes.extend(self.reminder(sink, told.as_ref()));
        match (self.mute, changes.last()) {
            (Some(mute), Some(last)) => {
                let withheld = withhold(before, self.mute_words(mute), last);
                (Vec::new(), withheld)
            }
            _ => (changes, told.filter(|told| told.level.is_some()).map(without_withheld)),
        }
    }

    /// Episodes that began and ended within this turn: one line each.
    fn passing_episodes(&self, sink: &str, before: Option<&Told>) -> impl Iterator<Item = Change> {
        let known = before.filter(|told| told.level.is_some()).map(|told| told.episode_id.clone());
        let resolved = self.transitions.iter().filter(|transition| transition.kind == Kind::Resolved);
        let began = resolved.filter(|transition| self.heard_of_within(sink, transition.since));
        let passing = began.map(|transition| {
            let mut change =
                self.words(Change::new(&self.watch.key.rule, &self.watch.key.cluster, transition));
            let (from, to) = (self.clock_time(transition.since), self.clock_time(transition.at));
            change.note = Some(format!("told late: fired {from}, resolved {to}"));
            change
        });
        let unknown: Vec<Change> =
            passing.filter(|change| Some(&change.episode_id) != known.as_ref()).collect();
        unknown.into_iter()
    }

    /// Whether this turn saw the episode rise to a level that is this sink's. Who was never told of a firing alert is not told of its end.
    fn heard_of_within(&self, sink: &str, since: Time) -> bool {
        let rises = |kind| matches!(kind, Kind::Fired | Kind::Raised);
        let mut rose = self.transitions.iter().filter(|rise| rises(rise.kind) && rise.since == since);
        rose.any(|rise| self.wants(sink, rise.level))
    }

    /// The change itself: as this turn saw it, as it was withheld, or as the alert stands.
    fn change(&self, kind: Kind, told: Option<&Told>) -> Change {
        let (rule, cluster) = (&self.watch.key.rule, &self.watch.key.cluster);
        let seen = self.transitions.iter().rev().map(|transition| Change::new(rule, cluster, transition));
        let episode = match kind {
            Kind::Resolved => told.map(|told| told.episode_id.clone()),
            _ => self.open.as_ref().map(|(episode, _)| episode.clone()),
        };
        let fits = |change: &Change| {
            Some(&change.episode_id) == episode.as_ref()
                && (change.kind == Kind::Resolved) == (kind == Kind::Resolved)
        };
        let found = seen.filter(|change| change.kind != Kind::Reminded).find(fits);
        let withheld = told.and_then(|told| told.withheld.as_ref());
        let mut change = match (found, withheld) {
            (Some(change), _) => change,
            (None, Some(withheld)) if kind == Kind::Resolved && fits(&withheld.change) => {
                (*withheld.change).clone()
            }
            (None, _) => self.as_it_stands(kind, told),
        };
        change.note = withheld.map(|withheld| format!("told late: {}", withheld.by)).or(change.note);
        change.previous_level = told.and_then(|told| told.level);
        if kind == Kind::Resolved {
            change.level = change.previous_level.unwrap_or(change.level);
        }
        if change.kind != kind {
            let n = self.alert.map_or(0, |alert| alert.told.saturating_sub(1));
            change.kind = kind;
            change.event_id = identity::event_id(&change.episode_id, kind, n);
        }
        self.words(change)
    }

    fn as_it_stands(&self, kind: Kind, told: Option<&Told>) -> Change {
        let alert = self.alert.cloned().unwrap_or_default();
        let level = alert.level.or_else(|| told.and_then(|told| told.level)).unwrap_or(Level::Warning);
        let mut standing =
            alert.standing(&self.watch.rule.policy, self.entity, (kind, level), self.telling.now);
        standing.n = alert.told.saturating_sub(1);
        let mut change = Change::new(&self.watch.key.rule, &self.watch.key.cluster, &standing);
        if let Some(told) = told.filter(|_| kind == Kind::Resolved) {
            change.episode_id.clone_from(&told.episode_id);
            change.event_id = identity::event_id(&change.episode_id, kind, 0);
        }
        change
    }

    /// A reminder goes to whoever believes it open.
    fn reminder(&self, sink: &str, told: Option<&Told>) -> Option<Change> {
        let transition = self.transitions.iter().find(|transition| transition.kind == Kind::Reminded)?;
        let (_, level) = self.open.as_ref()?;
        let knows = told.is_some_and(|told| told.level.is_some() && told.withheld.is_none());
        if !knows || !self.wants(sink, *level) {
            return None;
        }
        let mut change = self.words(Change::new(&self.watch.key.rule, &self.watch.key.cluster, transition));
        change.note = self.telling.last_seen.map(|seen| format!("last seen at {}", self.clock_time(seen)));
        Some(change)
    }

    /// The newest facts, for whoever believes it open; it is no news.
    fn update(&self, told: Option<&Told>) -> Option<Change> {
        let told = told.filter(|told| told.level.is_some() && told.withheld.is_none())?;
        let (episode, _) = self.open.as_ref().filter(|(episode, _)| *episode == told.episode_id)?;
        let mut change = self.as_it_stands(Kind::Updated, Some(told));
        let seconds = elapsed(change.since, self.telling.now).as_secs();
        change.event_id =
            identity::event_id(episode, Kind::Updated, u32::try_from(seconds).unwrap_or(u32::MAX));
        let mut change = self.words(change);
        change.note = self
            .telling
            .last_seen
            .map(|seen| format!("last seen at {}", self.clock_time(seen)))
            .or(change.note);
        Some(change)
    }

    fn words(&self, change: Change) -> Change {
        let mut change = compose::with_words(self.telling.faults, self.watch, change);
        if change.kind != Kind::Resolved && change.note.is_none() {
            change.note = self.silence();
        }
        change
    }

    /// An alert that fires without a number says what it fires for.
    fn silence(&self) -> Option<String> {
        let silence = self.alert?.silence?;
        let since = self.clock_time(silence.since);
        Some(match silence.of {
            Silent::NoData => format!("no data since {since}"),
            Silent::Absent => format!("gone since {since}"),
        })
    }

    fn mute_words(&self, mute: &Mute) -> String {
        format!("muted by {} until {}: {}", mute.who, self.clock_time(mute.until), mute.reason)
    }

    fn clock_time(&self, at: Time) -> String {
        at.with_timezone(&self.telling.zone).format("%H:%M").to_string()
    }
}

fn after(kind: Kind, change: &Change, told: Option<Told>) -> Option<Told> {
    if kind == Kind::Resolved {
        return None;
    }
    let digest = told.filter(|told| told.episode_id == change.episode_id).and_then(|told| told.digest);
    Some(Told {
        episode_id: change.episode_id.clone(),
        level: Some(change.level),
        withheld: None,
        event_id: change.event_id.clone(),
        shown: None,
        digest,
    })
}

/// The sink believes what it believed; what it would have heard is kept.
fn withhold(before: Option<&Told>, by: String, change: &Change) -> Option<Told> {
    let nothing_told = before.is_none_or(|told| told.level.is_none());
    if nothing_told && change.kind == Kind::Resolved {
        return None;
    }
    let withheld = Some(Withheld { by, change: Box::new(change.clone()) });
    let unknown = Told {
        episode_id: change.episode_id.clone(),
        level: None,
        withheld: None,
        event_id: change.event_id.clone(),
        shown: None,
        digest: None,
    };
    Some(Told { withheld, ..before.cloned().unwrap_or(unknown) })
}

fn without_withheld(told: Told) -> Told {
    Told { withheld: None, ..told }
}
