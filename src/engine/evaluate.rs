//! One turn of one rule: the data's way, from due ticks to a committed turn.

use std::{
    any::Any,
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
};

use futures::FutureExt;

use crate::{
    checks::{Look, Memory},
    engine::{
        Engine,
        draft::{Draft, outcome_of},
        follow,
        schedule::{self, Plan},
        watch::{Pace, Watch},
    },
    model::{
        Cause, Event, Observation, Reason, Time,
        query::{Query, Response},
        step::resolved,
    },
    store::{Outcome, Run, StoreError},
    threads::{MANY, aside},
};

/// Judges whatever is due of one rule, and commits it with what it causes.
pub async fn evaluate(engine: &Engine, watch: &mut Watch) -> Result<(), StoreError> {
    evaluate_by(engine, watch, Eyes::Doors).await
}

/// Answers the questions of one look, each of them, in their order.
pub type Answering<'e> = dyn Fn(&Look, &[Query]) -> Vec<Result<Response, Reason>> + Send + Sync + 'e;

/// Where observations come from.
#[derive(Clone, Copy)]
pub enum Eyes<'e> {
    /// The clusters themselves.
    Doors,
    /// Somebody who answers in their place, one answer per question.
    Double(&'e Answering<'e>),
    /// A timeline that is known beforehand.
    Script(&'e (dyn Fn(Time) -> Observation + Send + Sync)),
}

/// The same with eyes of the caller's choice.
pub async fn evaluate_by(engine: &Engine, watch: &mut Watch, eyes: Eyes<'_>) -> Result<(), StoreError> {
    let now = engine.clock.now();
    let pace = std::mem::take(&mut watch.pace);
    let Some(plan) = schedule::plan(&watch.rule.timing, &watch.progress(now), now) else {
        // what is rare is on the heap: every rule that waits for its answer holds this future
        return follow::go_on(engine, watch, pace, eyes).boxed().await;
    };
    let mut draft = Draft::of(watch);
    draft.pass_over(plan.passed_over.clone());
    let mut ticks = ticks_of(&plan);
    while let Some(at) = ticks.pop() {
        let sight = see_by(engine, watch, (draft.memory.clone(), at), eyes).await;
        let Sight { mut observation, memory, events, pace } = sight;
        watch.pace = pace;
        draft.events.extend(events);
        if let Cow::Owned(resolved) = resolved(&watch.rule.policy, &observation) {
            observation = resolved;
        }
        watch.excused = engine.excuses(watch, &observation).await;
        if stays_owed(watch, &observation) && (at != plan.present || is_owable(watch, at)) {
            put_off(&mut draft, watch, &observation, [at].into_iter().chain(ticks.into_iter().rev()));
            break;
        }
        draft.memory = memory;
        let outcome = match outcome_of(&observation) {
            proven @ (Outcome::Complete | Outcome::NoData) if at == plan.present => proven,
            Outcome::Complete | Outcome::NoData => Outcome::CaughtUp,
            unproven => unproven,
        };
        let many = observation.count() > MANY;
        aside(many, || draft.judge(watch, &observation, watch.tick(at), outcome));
        engine.said_once(watch, &observation);
    }
    engine.commit(watch, draft).await
}

/// Missed windows first; in reverse, to be popped.
fn ticks_of(plan: &Plan) -> Vec<Time> {
    let mut ticks = vec![plan.present];
    ticks.extend(plan.owed.iter().rev());
    ticks
}

/// What was seen, and what is remembered of it.
#[derive(Debug)]
pub struct Sight {
    pub observation: Observation,
    pub memory: Memory,
    pub events: Vec<Event>,
    pub pace: Pace,
}

impl Sight {
    pub fn of(observation: Observation, memory: Memory) -> Self {
        Self { observation, memory, events: Vec::new(), pace: Pace::Scheduled }
    }
}

/// Asks and reads. Whatever goes wrong becomes an observation; a panic, wherever it is, is that rule's own outcome.
pub async fn see(engine: &Engine, watch: &Watch, memory: Memory, at: Time) -> Sight {
    let seen = see_by(engine, watch, (memory.clone(), at), Eyes::Doors);
    let seen = AssertUnwindSafe(seen).catch_unwind().await.map_err(|panic| fault(&*panic));
    seen.unwrap_or_else(|fault| Sight::of(Observation::Indeterminate(fault), memory))
}

pub(super) async fn see_by(
    engine: &Engine,
    watch: &Watch,
    (memory, at): (Memory, Time),
    eyes: Eyes<'_>,
) -> Sight {
    if let Eyes::Script(script) = eyes {
        return Sight::of(script(at), memory);
    }
    if watch.rule.check.follows() {
        follow::see(engine, watch, (memory, at), eyes).boxed().await
    } else {
        look(engine, watch, (memory, at), eyes).await
    }
}

/// One look.
pub(super) async fn look(
    engine: &Engine,
    watch: &Watch,
    (memory, at): (Memory, Time),
    eyes: Eyes<'_>,
) -> Sight {
    let (timeout, now) = (engine.timeout_of(&watch.key.cluster), engine.clock.now());
    let described = guarded(|| {
        let look = watch.look(at, timeout, now);
        let queries = watch.rule.check.queries(&look, &memory);
        (look, queries)
    });
    let (look, queries) = match described {
        Ok(described) => described,
        Err(fault) => return Sight::of(Observation::Indeterminate(fault), memory),
    };
    let answers = match eyes {
        Eyes::Double(double) => double(&look, &queries),
        Eyes::Doors | Eyes::Script(_) => engine.doors.ask(&look, at, &queries).await,
    };
    let many = answers.iter().flatten().map(Response::count).sum::<usize>() > MANY;
    aside(many, || read(watch, &look, &answers, memory))
}

/// A required question without an answer is indeterminate before the check sees it; it still may know better (`elasticsearch_unreachable`).
fn read(watch: &Watch, look: &Look, answers: &[Result<Response, Reason>], memory: Memory) -> Sight {
    let (kept, check) = (memory.clone(), &watch.rule.check);
    let seen = guarded(|| {
        let events = check.events(look, answers, &memory);
        (events, check.read(look, answers, memory))
    });
    match seen {
        Ok((events, (observation, memory))) => Sight { events, ..Sight::of(observation, memory) },
        Err(fault) => Sight::of(Observation::Indeterminate(fault), kept),
    }
}

fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Reason> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| fault(&*panic))
}

fn fault(panic: &(dyn Any + Send)) -> Reason {
    let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
    let words = words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Reason::new(Cause::Fault, format!("a fault of highwater's own: {words}"))
}

fn stays_owed(watch: &Watch, observation: &Observation) -> bool {
    let passing = matches!(observation, Observation::Indeterminate(reason) if reason.cause.is_passing());
    watch.rule.timing.windowed && passing
}

fn is_owable(watch: &Watch, at: Time) -> bool {
    schedule::is_owable(&watch.rule.timing, watch.catch_up(), at)
}

/// What could not be asked now: windows of the rule's own grid stay owed, looks between them are recorded as they are.
fn put_off(draft: &mut Draft, watch: &Watch, observation: &Observation, ticks: impl Iterator<Item = Time>) {
    let ticks: Vec<Time> = ticks.collect();
    for at in &ticks {
        if is_owable(watch, *at) {
            draft.owed.push(*at);
        } else {
            draft.runs.push(Run::one(*at, Outcome::Indeterminate, Some(observation.to_string())));
        }
    }
    if let Some(last) = ticks.last() {
        draft.be_blind(watch, observation, watch.tick(*last));
    }
}
