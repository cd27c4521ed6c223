//! Rules that follow documents: page after page, as far as sinks take what was seen.

use crate::{
    checks::Memory,
    engine::{
        Engine,
        draft::Draft,
        evaluate::{Eyes, Sight, look},
        watch::{Pace, Watch},
    },
    model::{Cause, Observation, Time},
    store::StoreError,
};

/// One turn reads no more than so many pages, or about so many bytes of events: what it holds in memory.
const MOST_PAGES: usize = 10;
const MOST_BYTES: usize = 8 << 20;
/// No more of a rule's events may wait for any of its sinks: so many deliveries, or so many bytes.
const MOST_WAITING: u64 = 1000;
const MOST_BYTES_WAITING: u64 = 32 << 20;

/// As many looks as one turn may take. A page that cannot be had takes nothing away from those before it.
pub async fn see(engine: &Engine, watch: &Watch, (memory, at): (Memory, Time), eyes: Eyes<'_>) -> Sight {
    if is_held_back(engine, watch).await {
        let look = watch.look(at, engine.timeout_of(&watch.key.cluster), engine.clock.now());
        let observation = watch.rule.check.held_back(&look, &memory);
        return Sight { pace: Pace::HeldBack, ..Sight::of(observation, memory) };
    }
    let mut all = look(engine, watch, (memory, at), eyes).await;
    for _ in 1..MOST_PAGES {
        if !goes_on(watch, &all) || all.events.iter().map(|event| event.size).sum::<usize>() > MOST_BYTES {
            break;
        }
        let mut events = all.events;
        let next = look(engine, watch, (all.memory, at), eyes).await;
        events.extend(next.events);
        all = Sight { events, ..next };
    }
    all.pace = if goes_on(watch, &all) { Pace::AtOnce } else { Pace::Scheduled };
    all
}

/// Whoever could not see is not in a hurry; whoever lags behind is.
fn goes_on(watch: &Watch, seen: &Sight) -> bool {
    let failed = matches!(seen.observation, Observation::NotApplicable(_))
        || matches!(&seen.observation, Observation::Indeterminate(reason) if reason.cause != Cause::Lagging);
    !failed && watch.rule.check.has_more(&seen.memory)
}

/// Between two ticks: what is behind the last page. What it says of alerts is judged at the next tick.
pub async fn go_on(engine: &Engine, watch: &mut Watch, pace: Pace, eyes: Eyes<'_>) -> Result<(), StoreError> {
    let Some(at) = watch.watermark.filter(|_| pace != Pace::Scheduled) else { return Ok(()) };
    let seen = see(engine, watch, (watch.memory.clone(), at), eyes).await;
    watch.pace = seen.pace;
    if seen.pace == Pace::HeldBack {
        return Ok(());
    }
    let mut draft = Draft::of(watch);
    draft.owed.clone_from(&watch.owed);
    draft.memory = seen.memory;
    draft.events = seen.events;
    engine.commit(watch, draft).await
}

/// Whether so much waits at one of its sinks that the next page has to wait, too. A store that cannot say takes nothing either.
async fn is_held_back(engine: &Engine, watch: &Watch) -> bool {
    match engine.store.events_waiting(&watch.key).await {
        Ok((deliveries, bytes)) => deliveries >= MOST_WAITING || bytes >= MOST_BYTES_WAITING,
        Err(error) => {
            tracing::error!(rule = watch.key.rule, %error, "outbox not read");
            true
        }
    }
}
