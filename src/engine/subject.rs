//! One alert, and what each sink has to hear of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    engine::{compose, tell::Telling, watch::Watch, whom::whom, withhold::Cause},
    model::{
        Alert, Entity, Kind, Level, Time, Transition,
        flapping::Flaps,
        hours::Hours,
        identity,
        notification::{By, Change, Told, Withheld, news},
        route::Whom,
        span,
        time::elapsed,
    },
};

/// What was kept back for less does not come late.
const LATE: Duration = Duration::from_secs(60);

/// One alert, with what happened to it in this turn.
pub struct Subject<'a> {
    telling: &'a Telling<'a>,
    watch: &'a Watch,
    entity: &'a Entity,
    alert: Option<&'a Alert>,
    transitions: &'a [&'a Transition],
    /// The open episode and its told level.
    open: Option<(String, Level)>,
    /// Who is told of which level.
    whom: BTreeMap<Level, Vec<Whom<'a>>>,
    /// What withholds everything.
    cause: Option<Cause<'a>>,
    flaps: Option<&'a Flaps>,
    flaps_since: Option<Time>,
}

impl<'a> Subject<'a> {
    pub fn new(
        telling: &'a Telling<'a>,
        watch: &'a Watch,
        (entity, alert): (&'a Entity, Option<&'a Alert>),
        transitions: &'a [&'a Transition],
        flaps: Option<&'a Flaps>,
    ) -> Self {
        let key = identity::alert_key(&watch.key.rule, &watch.key.cluster, entity);
        let level_and_since = alert.and_then(|alert| Some((alert.level?, alert.since?)));
        let open = level_and_since.map(|(level, since)| (identity::episode_id(&key, since), level));
        let levels = transitions.iter().map(|transition| transition.level);
        let levels: BTreeSet<Level> = levels.chain(open.as_ref().map(|(_, level)| *level)).collect();
        let told = watch.told.get(entity).into_iter().flat_map(BTreeMap::values);
        let believed = told.map(|told| (told.level, told.withheld.as_ref().map(|kept| kept.change.level)));
        let believed = believed.max().and_then(|(told, kept)| told.or(kept));
        let level = open.as_ref().map(|(_, level)| *level);
        // its end is an end of what was told, in this turn and in any later one
        let level = level.or(believed).or_else(|| transitions.last().map(|transition| transition.level));
        let labels = watch.rule.labels_of(&watch.key.cluster, entity, level);
        let cause = telling.causes.and_then(|causes| causes.of(&labels));
        let policy = watch.rule.flapping.as_ref().filter(|_| telling.causes.is_some());
        let flaps_since =
            policy.zip(flaps).and_then(|(policy, flaps)| flaps.flaps_since(policy, telling.now));
        Self {
            telling,
            watch,
            entity,
            alert,
            transitions,
            open,
            whom: levels.into_iter().map(|level| (level, whom(telling, watch, entity, level))).collect(),
            cause,
            flaps,
            flaps_since,
        }
    }

    /// Everybody who was told, and everybody who is to be.
    pub fn sinks(&self) -> BTreeSet<String> {
        let told = self.watch.told.get(self.entity).into_iter().flat_map(BTreeMap::keys).cloned();
        let wanted = self.whom.values().flatten().map(|(sink, _)| (*sink).to_owned());
        told.chain(wanted).collect()
    }

    /// Whether this sink is told of that level, and the hours that keep it waiting.
    fn way_to(&self, sink: &str, level: Level) -> Option<Option<&'a Hours>> {
        let whom = self.whom.get(&level)?;
        whom.iter().find(|(name, _)| *name == sink).map(|(_, waits)| *waits)
    }

    /// Told of that level, and at this hour.
    fn hears(&self, sink: &str, level: Level) -> bool {
        self.way_to(sink, level) == Some(None)
    }

    /// What this sink has to hear, and what it will then have been told.
    pub fn news_for(&self, sink: &str, before: Option<&Told>) -> (Vec<Change>, Option<Told>) {
        let mut changes = self.passing_episodes(sink, before);
        let mut told = before.cloned();
        let open = self.open.as_ref().map(|(episode, level)| (episode.as_str(), *level));
        let wanted = self.open.as_ref().is_some_and(|(_, level)| self.way_to(sink, *level).is_some());
        let mut settled = before.filter(|told| told.flapping && self.flaps_since.is_none());
        while let Some(kind) = news(open, told.as_ref(), wanted) {
            let mut change = self.change(kind, told.as_ref());
            let late = before.and_then(|before| self.kept_back(before, &change));
            let late_words = late.map(|by| format!("told late: {}", by.words));
            let first = settled.take().map(|_| self.settled_words()).or(late_words);
            change.note = match (first, change.note) {
                (Some(first), Some(flapping)) if self.flaps_since.is_some() && is_rise(kind) => {
                    Some(format!("{first}; {flapping}"))
                }
                (first, other) => first.or(other),
            };
            if let Some(by) = self.withheld_by(kind, sink, told.as_ref()) {
                let by = late.filter(|_| by.is_brief).cloned().unwrap_or(by);
                return (changes, withhold(told.as_ref(), by, &change));
            }
            told = self.after(kind, &change, told);
            changes.push(self.words(change));
        }
        changes.extend(self.settled(told.as_mut(), !changes.is_empty()));
        changes.extend(self.reminder(sink, told.as_ref()).filter(|_| changes.is_empty()));
        (changes, told.filter(|told| told.level.is_some()).map(|told| Told { withheld: None, ..told }))
    }

    /// The one place that says what is not told now, and why.
    fn withheld_by(&self, kind: Kind, sink: &str, told: Option<&Told>) -> Option<By> {
        let by = |words: String| By { words, silence: None, is_brief: false };
        let undecided = self.telling.causes.and_then(|causes| causes.undecided.as_ref());
        match (&self.cause, undecided) {
            // whoever is looking may have begun to speak for this alert, or ceased to
            (None | Some(Cause::Inhibition(_)), Some(rule)) => {
                let words = format!("{rule} is looking, and may speak for it");
                return Some(By { is_brief: true, ..by(words) });
            }
            (Some(cause), _) => return Some(cause.by(self.telling.now, self.telling.zone)),
            (None, None) => {}
        }
        let level = self.open.as_ref().map(|(_, level)| *level);
        let known = told.and_then(|told| told.level);
        let rises = is_rise(kind);
        // what got worse is told at once, and so is an end that leads there; who was not told that it flaps cannot know why it is quiet
        let is_said = told.is_some_and(|told| told.flapping);
        if let Some(since) = self.flaps_since.filter(|_| is_said && known.is_some() && level <= known) {
            return Some(by(format!("flapping since {}", self.clock_time(since))));
        }
        let hours = self.way_to(sink, level?)??;
        rises.then(|| by(format!("outside the hours of its route ({hours})")))
    }

    /// Whether what was withheld is withheld by something else now, or by nothing; or a flapping alert has settled.
    pub fn waits_for_something_else(&self, sink: &str, told: &Told) -> bool {
        match &told.withheld {
            Some(withheld) => match self.withheld_by(withheld.change.kind, sink, Some(told)) {
                Some(by) => by != withheld.by && !by.is_brief,
                None => true,
            },
            None => told.flapping && self.may_settle(),
        }
    }

    /// What kept this change back until now, if it is older than a look or two.
    fn kept_back<'b>(&self, before: &'b Told, change: &Change) -> Option<&'b By> {
        let withheld = before.withheld.as_ref().filter(|withheld| !withheld.by.is_brief)?;
        let happened = match change.kind {
            Kind::Resolved => Some(change.at),
            _ => self.alert.and_then(|alert| alert.told_at),
        };
        let is_new = happened.is_some_and(|at| elapsed(at, self.telling.now) < LATE);
        let since_before = change.kind == Kind::Fired && withheld.change.episode_id == change.episode_id;
        (since_before || !is_new).then_some(&withheld.by)
    }

    fn settled_words(&self) -> String {
        match self.flaps.and_then(Flaps::quiet_since) {
            Some(last) => format!("settled: it flapped until {}", self.clock_time(last)),
            None => "settled: it flaps no more".to_owned(),
        }
    }

    /// It flaps no more, nothing withholds that, and nobody is about to speak for it.
    fn may_settle(&self) -> bool {
        let undecided = self.telling.causes.is_some_and(|causes| causes.undecided.is_some());
        self.flaps_since.is_none() && self.cause.is_none() && !undecided
    }

    /// An alert that flapped and now stands is said to have settled, where no other news say so.
    fn settled(&self, told: Option<&mut Told>, is_said: bool) -> Option<Change> {
        let told = told.filter(|told| told.flapping && told.level.is_some())?;
        if !self.may_settle() {
            return None;
        }
        told.flapping = false;
        let mut change = self.as_it_stands(Kind::Reminded, Some(told));
        change.event_id = identity::event_id(&change.episode_id, Kind::Reminded, self.seconds_into(&change));
        let mut change = self.words(change);
        change.note = Some(self.settled_words());
        (!is_said).then_some(change)
    }

    /// Episodes that began and ended within this turn: one line each, unless something withholds them.
    fn passing_episodes(&self, sink: &str, before: Option<&Told>) -> Vec<Change> {
        let known = before.filter(|told| told.level.is_some());
        if self.cause.is_some() || (self.flaps_since.is_some() && known.is_some()) {
            return Vec::new();
        }
        let known = known.map(|told| told.episode_id.clone());
        let resolved = self.transitions.iter().filter(|transition| transition.kind == Kind::Resolved);
        let began = resolved.filter(|transition| self.heard_of_within(sink, transition.since));
        let passing = began.map(|transition| {
            let mut change =
                self.words(Change::new(&self.watch.key.rule, &self.watch.key.cluster, transition));
            let (from, to) = (self.clock_time(transition.since), self.clock_time(transition.at));
            change.note = Some(format!("told late: fired {from}, resolved {to}"));
            change.came_and_went = true;
            change
        });
        passing.filter(|change| Some(&change.episode_id) != known.as_ref()).collect()
    }

    /// Whether this turn saw the episode rise to a level that is this sink's. Who was never told of a firing alert is not told of its end.
    fn heard_of_within(&self, sink: &str, since: Time) -> bool {
        let mut rose = self.transitions.iter().filter(|rise| is_rise(rise.kind) && rise.since == since);
        rose.any(|rise| self.hears(sink, rise.level))
    }

    /// The change itself, without words yet: as this turn saw it, as it was withheld, or as the alert stands.
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
            // an end is what it was; and what waited only for another's look is told as if that had come first
            (None, Some(Withheld { by, change }))
                if (kind == Kind::Resolved || by.is_brief) && fits(change) =>
            {
                (**change).clone()
            }
            (None, _) => Change { at: self.happened(kind), ..self.as_it_stands(kind, told) },
        };
        change.note = None;
        change.previous_level = told.and_then(|told| told.level);
        if kind == Kind::Resolved {
            change.level = change.previous_level.unwrap_or(change.level);
        }
        if change.kind != kind {
            let n = self.alert.map_or(0, |alert| alert.told.saturating_sub(1));
            change.kind = kind;
            change.event_id = identity::event_id(&change.episode_id, kind, n);
        }
        if is_rise(kind) {
            change.note = self.flapping_words();
        }
        change
    }

    /// What is told at most a minute after its tick is told as of that tick, whoever was waited for.
    fn happened(&self, kind: Kind) -> Time {
        let now = self.telling.now;
        let told_at = self.alert.filter(|_| kind != Kind::Resolved).and_then(|alert| alert.told_at);
        told_at.filter(|at| elapsed(*at, now) < LATE).unwrap_or(now)
    }

    /// Said of an alert that fires while it flaps: the last that is heard of it for a while.
    fn flapping_words(&self) -> Option<String> {
        self.flaps_since?;
        let policy = self.watch.rule.flapping.as_ref()?;
        let (within, settle) = (span::show(policy.within), span::show(policy.settle));
        Some(format!(
            "flapping: {} changes within {within}; told again when it got worse, or nothing changed for {settle}",
            policy.changes
        ))
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

    /// A reminder goes to whoever believes it open, and is no news that could be told later.
    fn reminder(&self, sink: &str, told: Option<&Told>) -> Option<Change> {
        let transition = self.transitions.iter().find(|transition| transition.kind == Kind::Reminded)?;
        let (_, level) = self.open.as_ref()?;
        let knows = told.is_some_and(|told| told.level.is_some() && told.withheld.is_none());
        let quiet = self.cause.is_some() || self.flaps_since.is_some();
        if !knows || quiet || !self.hears(sink, *level) {
            return None;
        }
        let change = self.words(Change::new(&self.watch.key.rule, &self.watch.key.cluster, transition));
        let last_seen = self.telling.last_seen.map(|seen| format!("last seen at {}", self.clock_time(seen)));
        Some(Change { note: last_seen.or(change.note), ..change })
    }

    /// The newest facts, for whoever believes it open. It is no news, so nothing withholds it; but it says no level that was
    /// not told.
    pub fn update(&self, told: Option<&Told>) -> Option<Change> {
        let told = told.filter(|told| told.level.is_some())?;
        self.open.as_ref().filter(|(episode, _)| *episode == told.episode_id)?;
        let mut change = self.as_it_stands(Kind::Updated, Some(told));
        change.level = told.level.unwrap_or(change.level);
        change.event_id = identity::event_id(&change.episode_id, Kind::Updated, self.seconds_into(&change));
        let mut change = self.words(change);
        let last_seen = self.telling.last_seen.map(|seen| format!("last seen at {}", self.clock_time(seen)));
        // an edit takes the place of what was said: why it is quiet has to stay
        let flapping = self.flapping_words().filter(|_| told.flapping);
        let notes: Vec<String> = last_seen.into_iter().chain(flapping).collect();
        change.note = Some(notes.join("; ")).filter(|notes| !notes.is_empty()).or(change.note);
        Some(change)
    }

    /// Tells apart what is said of one episode without any change of it.
    fn seconds_into(&self, change: &Change) -> u32 {
        u32::try_from(elapsed(change.since, self.telling.now).as_secs()).unwrap_or(u32::MAX)
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
        Some(format!("{} {}", silence.of.words(), self.clock_time(silence.since)))
    }

    fn clock_time(&self, at: Time) -> String {
        at.with_timezone(&self.telling.zone).format("%H:%M").to_string()
    }

    fn after(&self, kind: Kind, change: &Change, told: Option<Told>) -> Option<Told> {
        if kind == Kind::Resolved {
            return None;
        }
        let same = told.filter(|told| told.episode_id == change.episode_id);
        Some(Told {
            episode_id: change.episode_id.clone(),
            level: Some(change.level),
            withheld: None,
            event_id: change.event_id.clone(),
            shown: None,
            flapping: self.flaps_since.is_some() || same.as_ref().is_some_and(|told| told.flapping),
            digest: same.and_then(|told| told.digest),
        })
    }
}

const fn is_rise(kind: Kind) -> bool {
    matches!(kind, Kind::Fired | Kind::Raised)
}

/// The sink believes what it believed; what it would have heard first is kept.
fn withhold(before: Option<&Told>, by: By, change: &Change) -> Option<Told> {
    let nothing_told = before.is_none_or(|told| told.level.is_none());
    if nothing_told && change.kind == Kind::Resolved {
        return None;
    }
    let withheld = Some(Withheld { by, change: Box::new(change.clone()) });
    if let Some(believed) = before.filter(|_| !nothing_told) {
        return Some(Told { withheld, ..believed.clone() });
    }
    Some(Told {
        episode_id: change.episode_id.clone(),
        level: None,
        withheld,
        event_id: change.event_id.clone(),
        shown: None,
        flapping: false,
        digest: None,
    })
}
