//! A turn in the making: looks are judged one after the other, then everything they change is told and committed at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    checks::Memory,
    engine::{
        compose, events,
        tell::{Happened, News, Telling, tell},
        watch::{Precedents, ToldBySink, Watch},
    },
    model::{
        Ending, Entity, Event, Kind, Observation, RuleState, Tick, Time, Transition,
        flapping::Flaps,
        notification::{Untold, Withheld},
        published::{self, Published},
        step,
    },
    store::{Outcome, Run, Turn},
};

/// What a turn has changed so far. The watch itself stays as it was until the turn is committed.
#[derive(Debug)]
pub struct Draft {
    pub state: RuleState,
    pub memory: Memory,
    pub watermark: Option<Time>,
    pub owed: Vec<Time>,
    judged: Option<Time>,
    pub runs: Vec<Run>,
    pub transitions: Vec<Transition>,
    /// What is published of the looks so far.
    pub readings: Vec<Published>,
    /// Alerts without news that a sink is to be shown anew.
    pub refreshed: Vec<(Entity, String)>,
    /// What happened once, in order.
    pub events: Vec<Event>,
    pub(super) touched: BTreeSet<Entity>,
    forget_rule: bool,
    closing: Option<Ending>,
}

impl Draft {
    pub fn of(watch: &Watch) -> Self {
        Self {
            state: watch.state.clone(),
            memory: watch.memory.clone(),
            watermark: watch.watermark,
            owed: Vec::new(),
            judged: watch.judged,
            runs: Vec::new(),
            transitions: Vec::new(),
            readings: Vec::new(),
            refreshed: Vec::new(),
            events: Vec::new(),
            touched: BTreeSet::new(),
            forget_rule: false,
            closing: None,
        }
    }

    /// Why everything ends with this turn, if it does.
    pub fn closing(&self) -> Option<Ending> {
        self.closing
    }

    /// Whether nothing is kept by which anything could be told later.
    pub fn is_last(&self) -> bool {
        self.forget_rule
    }

    /// Ticks that are not judged have an outcome, too.
    pub fn pass_over(&mut self, runs: Vec<Run>) {
        self.watermark = self.watermark.max(runs.iter().map(|run| run.tick).max());
        self.runs.extend(runs);
    }

    /// One look: the state machine moves, the tick gets its outcome.
    pub fn judge(&mut self, watch: &Watch, observation: &Observation, tick: Tick, outcome: Outcome) {
        self.move_on(watch, observation, tick);
        if !watch.rule.publish.is_nothing() {
            let (rule, cluster) = (&watch.key.rule, &watch.key.cluster);
            self.readings.extend(published::readings((rule, cluster), observation, &self.state, tick.at));
        }
        let reason = reason_of(observation);
        self.judged = Some(tick.at);
        self.runs.push(Run::one(tick.at, outcome, reason));
        self.watermark = self.watermark.max(Some(tick.at));
    }

    /// A look that is not recorded now, because its windows stay owed: only its blindness counts.
    pub fn be_blind(&mut self, watch: &Watch, observation: &Observation, tick: Tick) {
        self.move_on(watch, observation, tick);
        self.judged = Some(tick.at);
        self.watermark = self.watermark.max(Some(tick.at));
    }

    fn move_on(&mut self, watch: &Watch, observation: &Observation, tick: Tick) {
        let state = std::mem::take(&mut self.state);
        let stepped = step(&watch.rule.policy, state, observation, watch.excused, tick);
        self.state = stepped.state;
        self.transitions.extend(stepped.transitions);
        self.touched.extend(stepped.touched);
    }

    /// Ends every alert of the rule, for a reason of the rule's own.
    pub fn close(&mut self, watch: &Watch, ending: Ending, now: Time) {
        for (entity, alert) in std::mem::take(&mut self.state.alerts) {
            if let Some(level) = alert.level {
                let standing = alert.standing(&watch.rule.policy, &entity, (Kind::Resolved, level), now);
                self.transitions.push(Transition { threshold: None, ending: Some(ending), ..standing });
            }
            self.touched.insert(entity);
        }
        let gap = |tick: &Time| Run::one(*tick, Outcome::Gap, Some(ending.words().to_owned()));
        self.runs.extend(watch.owed.iter().map(gap));
        self.state = RuleState { course: self.state.course, ..RuleState::default() };
        // a rule that is enabled again goes on from its place
        if ending != Ending::Disabled {
            self.memory = Memory::default();
        }
        self.closing = Some(ending);
    }

    /// Nothing of the rule is kept once its last deliveries are settled, but what its check remembers where that is left.
    pub fn forget_rule(&mut self) {
        self.forget_rule = true;
    }

    /// Alerts whose clock of reminders has rung; one that a step of the wall clock left in the future starts anew.
    pub fn remind(&mut self, watch: &Watch, now: Time) {
        let Some(repeat) = watch.rule.repeat else { return };
        for (entity, alert) in &mut self.state.alerts {
            if alert.told_ahead_of(now) {
                alert.told_at = Some(now);
                self.touched.insert(entity.clone());
            }
            let Some(level) = alert.level.filter(|_| alert.reminder_due(repeat, now)) else { continue };
            self.transitions.push(alert.standing(&watch.rule.policy, entity, (Kind::Reminded, level), now));
            *alert = std::mem::take(alert).reminded(now);
            self.touched.insert(entity.clone());
        }
    }

    fn flaps(&self, watch: &Watch, now: Time) -> BTreeMap<Entity, Flaps> {
        let mut flaps = watch.flaps.clone();
        let Some(policy) = &watch.rule.flapping else { return flaps };
        for transition in &self.transitions {
            flaps.entry(transition.entity.clone()).or_default().note(policy, transition.kind, transition.at);
        }
        let is_told = |entity: &Entity| watch.told.contains_key(entity);
        flaps.retain(|entity, flaps| is_told(entity) || !flaps.is_over(policy, now));
        flaps
    }

    /// What sinks do not know yet becomes deliveries; the whole becomes one turn, and the watch as it will be after it.
    pub fn finish(self, watch: &Watch, telling: &Telling<'_>) -> (Turn, Watch) {
        let flaps = self.flaps(watch, telling.now);
        let happened = Happened { transitions: &self.transitions, refreshed: &self.refreshed, flaps: &flaps };
        let mut news = tell(telling, watch, &self.state, happened);
        news.deliveries.extend(compose::readings(watch, &self.readings, telling.zone));
        news.deliveries.extend(events::tell(telling, watch, &self.events));
        let mut told: ToldBySink = watch.told.clone();
        for (entity, sink, row) in &news.told {
            apply_told(&mut told, entity, sink, row.clone());
        }
        let alerts = self.touched.into_iter().map(|entity| {
            let alert = self.state.alerts.get(&entity).cloned();
            (entity, alert)
        });
        let precedents = precedents(watch, &self.transitions, telling.now);
        let untold = untold(watch, &news, &self.transitions);
        let turn = Turn {
            key: watch.key.clone(),
            card: watch.card(),
            runs: self.runs,
            watermark: self.watermark,
            owed: self.owed.clone(),
            blind: self.state.blind.clone(),
            course: self.state.course,
            memory: self.memory.clone(),
            alerts: alerts.collect(),
            told: news.told,
            deliveries: news.deliveries,
            history: self.transitions,
            untold,
            forget_rule: self.forget_rule,
        };
        let after = Watch {
            state: self.state,
            memory: self.memory,
            told,
            watermark: self.watermark,
            owed: self.owed,
            judged: self.judged,
            key: watch.key.clone(),
            rule: watch.rule.clone(),
            busy_until: watch.busy_until,
            pace: watch.pace,
            fresh: watch.fresh,
            excused: watch.excused,
            flaps,
            precedents,
            said_not_applicable: watch.said_not_applicable,
        };
        (turn, after)
    }
}

/// What ended in this turn is a precedent for what comes.
fn precedents(watch: &Watch, transitions: &[Transition], now: Time) -> Precedents {
    let mut precedents = watch.precedents.clone();
    let mut ended = transitions.iter().filter(|transition| transition.kind == Kind::Resolved).peekable();
    if ended.peek().is_none() {
        return precedents;
    }
    let all = Arc::make_mut(&mut precedents);
    for Transition { entity, since, at, .. } in ended {
        all.entry(entity.clone()).or_default().note(*since, *at);
    }
    all.retain(|_, precedent| !precedent.is_over(now));
    precedents
}

/// Who is not told of what happened. An alert that came and went while it was withheld leaves no other trace.
fn untold(watch: &Watch, news: &News, transitions: &[Transition]) -> BTreeMap<Entity, Vec<Untold>> {
    let mut untold: BTreeMap<Entity, Vec<Untold>> = BTreeMap::new();
    if transitions.is_empty() {
        return untold;
    }
    let happened: BTreeSet<&Entity> = transitions.iter().map(|transition| &transition.entity).collect();
    for (entity, sink, after) in news.told.iter().filter(|(entity, ..)| happened.contains(entity)) {
        let withheld = match after {
            Some(told) => told.withheld.as_ref(),
            None => never_told(watch, entity, sink).filter(|_| !is_told(news, entity, sink)),
        };
        let by = withheld.map(|withheld| Untold { sink: sink.clone(), by: withheld.by.clone() });
        if let Some(by) = by {
            untold.entry(entity.clone()).or_default().push(by);
        }
    }
    untold
}

/// What was withheld of an alert of which the sink has heard nothing.
fn never_told<'a>(watch: &'a Watch, entity: &Entity, sink: &str) -> Option<&'a Withheld> {
    let before = watch.told.get(entity)?.get(sink)?;
    before.withheld.as_ref().filter(|_| before.level.is_none())
}

fn is_told(news: &News, entity: &Entity, sink: &str) -> bool {
    let to_it = news.deliveries.iter().filter(|delivery| delivery.sink == sink);
    to_it.flat_map(|delivery| &delivery.notification.alerts).any(|change| change.entity == *entity)
}

fn apply_told(
    all: &mut ToldBySink,
    entity: &Entity,
    sink: &str,
    row: Option<crate::model::notification::Told>,
) {
    let Some(row) = row else {
        if let Some(rows) = all.get_mut(entity) {
            rows.remove(sink);
            if rows.is_empty() {
                all.remove(entity);
            }
        }
        return;
    };
    all.entry(entity.clone()).or_default().insert(sink.to_owned(), row);
}

/// The outcome that an observation is recorded as.
pub fn outcome_of(observation: &Observation) -> Outcome {
    match observation {
        Observation::Seen { .. } if observation.is_blind() => Outcome::Indeterminate,
        Observation::Seen { .. } => Outcome::Complete,
        Observation::NoData(_) => Outcome::NoData,
        Observation::Indeterminate(_) => Outcome::Indeterminate,
        Observation::NotApplicable(_) => Outcome::NotApplicable,
    }
}

fn reason_of(observation: &Observation) -> Option<String> {
    match observation {
        Observation::Seen { .. } if !observation.is_blind() => None,
        _ => Some(observation.to_string()),
    }
}
