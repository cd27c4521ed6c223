//! One look at every chosen rule, all at once, and what is remembered of it.

use std::{path::Path, sync::Arc, time::Duration};

use futures::future::join_all;

use super::{
    judge::{Looked, at_once},
    report::{Report, RuleReport},
    worst::FailOn,
};
use crate::{
    checks::Memory,
    cli::stop::Stop,
    clock::Clock,
    config::{RuleSet, Settings},
    engine::{
        Engine,
        doors::Doors,
        draft::outcome_of,
        evaluate::{Sight, see},
        start::reveal,
        watch::{Pace, Watch},
    },
    model::{Cause, Observation, Policy, Tick, Time, step, time::floor_to},
    store::{Run, Store, Turn},
};

/// The file of `--state DIR`.
const FILE: &str = "check.db";

/// The chosen rules, with what was seen of them so far.
pub struct Looks {
    engine: Engine,
    watches: Vec<Watch>,
    /// `for` counts: there is a memory, or there will be more looks.
    lasting: bool,
    kept: bool,
}

impl Looks {
    pub async fn new(
        settings: Arc<Settings>,
        set: RuleSet,
        state: Option<&Path>,
        waits: bool,
    ) -> Result<Self, Stop> {
        let clock = Clock::system();
        let store = match state {
            None => Store::in_memory(clock.clone())?,
            Some(folder) => Store::open(&folder.join(FILE), clock.clone())?.0,
        };
        let mut stored = store.load().await?;
        let doors =
            Doors::open(&settings, &clock, &reveal()).map_err(|error| Stop::Config(error.to_string()))?;
        let doors = doors.hearing_beside(&settings.store.path);
        let mut watches = Vec::new();
        for rule in set.rules.values() {
            for key in rule.keys() {
                let found = stored.remove(&key).filter(|found| found.card.fingerprint == rule.fingerprint);
                watches.push(Watch::new(rule.clone(), &key.cluster, found.unwrap_or_default()));
            }
        }
        let engine = Engine::new(settings, set, store, doors, clock);
        Ok(Self { engine, watches, lasting: waits || state.is_some(), kept: state.is_some() })
    }

    /// Looks at all of them at one instant, and moves what is remembered.
    pub async fn look(&mut self, fail_on: FailOn) -> Result<Report, Stop> {
        let now = floor_to(self.engine.clock.now(), Duration::from_secs(1));
        let eyes = self.watches.iter().map(|watch| async {
            let at = instant(watch, now);
            (at, all_of_it(&self.engine, watch, at).await)
        });
        let seen = join_all(eyes).await;
        let mut reports = Vec::with_capacity(seen.len());
        let mut turns = Vec::new();
        for (watch, (at, Sight { observation, memory, .. })) in self.watches.iter_mut().zip(seen) {
            let policy = if self.lasting { watch.rule.policy.clone() } else { at_once(&watch.rule.policy) };
            let (report, turn) = judge(watch, &policy, &observation, watch.tick(at));
            watch.memory = memory;
            reports.push(report);
            turns.push(Turn { memory: watch.memory.clone(), ..turn });
        }
        if self.kept {
            self.engine.store.commit_all(turns).await?;
            self.prove_kept()?;
        }
        Ok(Report::new(now, reports, fail_on))
    }

    /// One more look, in which every breach is taken as lasting.
    pub async fn look_at_once(&mut self, fail_on: FailOn) -> Result<Report, Stop> {
        self.lasting = false;
        self.look(fail_on).await
    }

    /// The store goes on in memory when its disk fails; here nothing would be left of it.
    fn prove_kept(&self) -> Result<(), Stop> {
        match self.engine.store.health().in_memory {
            Some(away) if self.kept => Err(Stop::Io(format!("the state cannot be written: {}", away.why))),
            _ => Ok(()),
        }
    }

    pub async fn close(self) -> Result<(), Stop> {
        Ok(self.engine.store.close().await?)
    }
}

/// Whoever follows documents reads all that there is. What happened once is told to nobody here.
async fn all_of_it(engine: &Engine, watch: &Watch, at: Time) -> Sight {
    let mut seen = see(engine, watch, watch.memory.clone(), at).await;
    while seen.pace == Pace::AtOnce {
        seen = see(engine, watch, seen.memory, at).await;
    }
    seen
}

/// The present second; where documents need time to arrive, that much earlier. Never before what was judged already.
fn instant(watch: &Watch, now: Time) -> Time {
    let timing = &watch.rule.timing;
    let at = floor_to(now - timing.query_delay, Duration::from_secs(1));
    watch.watermark.map_or(at, |watermark| at.max(watermark))
}

/// Moves the rule's state by one look. The turn tells nobody.
fn judge(watch: &mut Watch, policy: &Policy, observation: &Observation, tick: Tick) -> (RuleReport, Turn) {
    let excused =
        matches!(observation, Observation::Indeterminate(reason) if reason.cause == Cause::Unreachable);
    let stepped = step(policy, std::mem::take(&mut watch.state), observation, excused, tick);
    let looked = Looked { rule: &watch.rule, policy, observation, state: &stepped.state, tick };
    let report = looked.report(&watch.key);
    let alerts =
        stepped.touched.iter().map(|entity| (entity.clone(), stepped.state.alerts.get(entity).cloned()));
    let turn = Turn {
        key: watch.key.clone(),
        card: watch.card(),
        runs: vec![Run::one(tick.at, outcome_of(observation), report.reason.clone())],
        watermark: Some(tick.at),
        owed: Vec::new(),
        blind: stepped.state.blind.clone(),
        course: stepped.state.course,
        memory: Memory::default(),
        alerts: alerts.collect(),
        told: Vec::new(),
        deliveries: Vec::new(),
        history: stepped.transitions,
        untold: std::collections::BTreeMap::new(),
        forget_rule: false,
    };
    watch.state = stepped.state;
    watch.watermark = Some(tick.at);
    (report, turn)
}
