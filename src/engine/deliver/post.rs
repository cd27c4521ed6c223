//! One sink's task: which delivery is next, and when.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    Age, Flight, Monotone, Office, SinkFact,
    flight::{Landed, Outcome, Plain},
    gates::Gates,
};
use crate::{
    model::time::elapsed,
    sinks::{Belated, Sink},
    store::{DeliveryKey, Queued, StoreError},
};

/// Lanes of one sink that are under way at one time.
const LANES: usize = 4;
/// The longest sleep: nothing is late by more, whatever clocks do.
const NAP: Duration = Duration::from_secs(30);
/// The shortest sleep while something is under way, which may itself be what is due.
const BLINK: Duration = Duration::from_millis(100);

pub struct Post {
    name: String,
    sink: Arc<dyn Sink>,
    office: Arc<Office>,
    time: Monotone,
    /// Found in the store and not begun: one per lane, oldest first.
    heads: VecDeque<Queued>,
    under_way: FuturesUnordered<BoxFuture<'static, Landed>>,
    busy: BTreeSet<String>,
    /// Refused as they were: their last attempt is a plain message.
    plain: BTreeMap<DeliveryKey, Plain>,
    /// Tried, and not settled.
    ages: BTreeMap<DeliveryKey, Age>,
    health: Health,
    /// That it takes something would be news: nothing was taken since the start, or since it was misconfigured.
    unproven: bool,
    /// No attempt before: the time between two probes.
    not_before: Instant,
    gates: Gates,
}

/// What there is to begin with.
enum Next {
    Head(Box<Queued>),
    /// Only what has to wait for its turn at the service: so long.
    Closed {
        pause: Duration,
        is_quiet: bool,
    },
    Nothing,
}

/// What the last attempts say of the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Working,
    /// The last attempt failed: one at a time, until one succeeds.
    Failing,
    Misconfigured,
}

impl Post {
    pub fn new(name: String, sink: Arc<dyn Sink>, office: Arc<Office>) -> Self {
        Self {
            name,
            gates: Gates::of(sink.pace()),
            sink,
            time: Monotone::new(office.clock.clone()),
            office,
            heads: VecDeque::new(),
            under_way: FuturesUnordered::new(),
            busy: BTreeSet::new(),
            plain: BTreeMap::new(),
            ages: BTreeMap::new(),
            health: Health::Working,
            unproven: true,
            not_before: Instant::now(),
        }
    }

    /// Until `stop`; then what is due goes out once more, if the sink takes it.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut arrivals = self.office.store.arrivals();
        loop {
            arrivals.mark_unchanged();
            let pause = self.begin(stop.is_cancelled()).await;
            if stop.is_cancelled() && pause.is_none() && self.under_way.is_empty() {
                return;
            }
            tokio::select! {
                Some(landed) = self.under_way.next() => self.land(landed).await,
                _ = arrivals.changed() => {}
                () = sleep(pause.unwrap_or(NAP)) => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
    }

    /// Begins what may begin. The answer is when to look again; while stopping, `None` means that nothing more will begin.
    async fn begin(&mut self, stopping: bool) -> Option<Duration> {
        loop {
            if self.under_way.len() >= self.places() {
                return (!stopping).then_some(NAP);
            }
            if stopping && self.health == Health::Misconfigured {
                return None;
            }
            let pause = self.not_before.checked_duration_since(Instant::now()).unwrap_or_default();
            if !pause.is_zero() {
                return Some(pause.min(NAP));
            }
            match self.next_head().await {
                Ok(Next::Head(head)) => {
                    let head = self.with_what_waits_behind(*head).await;
                    self.take_off(head);
                }
                Ok(Next::Closed { is_quiet: true, .. } | Next::Nothing) if stopping => return None,
                Ok(Next::Closed { pause, .. }) => return Some(self.until_next_due(Some(pause)).await),
                Ok(Next::Nothing) => return Some(self.until_next_due(None).await),
                Err(error) => {
                    tracing::error!(sink = self.name, %error, "outbox not read");
                    return (!stopping).then_some(self.office.delays.store);
                }
            }
        }
    }

    const fn places(&self) -> usize {
        match self.health {
            Health::Working => LANES,
            Health::Failing | Health::Misconfigured => 1,
        }
    }

    /// The next delivery of a lane that is not under way, and of a method that may be asked.
    async fn next_head(&mut self) -> Result<Next, StoreError> {
        if let Some(head) = self.pass_one() {
            return Ok(Next::Head(head));
        }
        if let Some(closed) = self.all_closed().filter(|closed| !self.may_hide_others(closed)) {
            return Ok(closed);
        }
        let found = self.office.store.heads(&self.name, self.time.now()).await?;
        self.heads = found.into_iter().filter(|queued| !self.busy.contains(&queued.delivery.lane)).collect();
        if let Some(head) = self.pass_one() {
            return Ok(Next::Head(head));
        }
        Ok(self.all_closed().unwrap_or(Next::Nothing))
    }

    /// How long those that are found have to wait for their turns.
    fn all_closed(&self) -> Option<Next> {
        let methods: BTreeSet<&str> = self.heads.iter().map(|head| self.method_of(head)).collect();
        let closed = methods.iter().map(|method| self.gates.closed(method).unwrap_or_default());
        let is_quiet = methods.iter().all(|method| self.gates.quiet(method).is_some());
        closed.min().map(|pause| Next::Closed { pause, is_quiet })
    }

    /// Something else of the store's may be asked for meanwhile, and is worth a look at it.
    fn may_hide_others(&self, closed: &Next) -> bool {
        let several = self.heads.iter().any(|head| !self.method_of(head).is_empty());
        several && matches!(closed, Next::Closed { is_quiet: true, .. })
    }

    /// The first that may be asked for now.
    fn pass_one(&mut self) -> Option<Box<Queued>> {
        let mut closed = BTreeSet::new();
        for at in 0..self.heads.len() {
            let method = self.method_of(&self.heads[at]);
            if closed.contains(method) {
                continue;
            }
            if self.gates.pass(method) {
                return self.heads.remove(at).map(Box::new);
            }
            closed.insert(method);
        }
        None
    }

    fn method_of(&self, head: &Queued) -> &'static str {
        self.sink.method(head.handle.as_ref(), head.message.as_ref())
    }

    /// What waits in one lane is one message, where its sink takes it so.
    async fn with_what_waits_behind(&mut self, head: Queued) -> Queued {
        let each = self.sink.belated() == Belated::Each || head.delivery.is_of_events();
        if head.behind == 0 || head.message.is_some() || each {
            return head;
        }
        match self.office.store.merge(&self.name, &head.delivery.lane).await {
            Ok(Some(merged)) => {
                // it has been tried for as long as what it stands for
                if let Some(age) = self.ages.remove(&head.key) {
                    self.ages.insert(merged.key.clone(), age);
                }
                merged
            }
            Ok(None) => head,
            Err(error) => {
                tracing::error!(sink = self.name, %error, "deliveries not merged");
                head
            }
        }
    }

    /// `closed`: so long something that is due has to wait for its turn.
    async fn until_next_due(&mut self, closed: Option<Duration>) -> Duration {
        let least = if self.under_way.is_empty() { BLINK / 10 } else { BLINK };
        let now = self.time.now();
        // what is due already is not waited for twice
        let after = closed.map(|_| now);
        let due = match self.office.store.next_due(&self.name, after).await {
            Ok(due) => due.map_or(NAP, |due| elapsed(now, due).max(least)),
            Err(_) => self.office.delays.store,
        };
        due.min(closed.unwrap_or(NAP)).min(NAP)
    }

    fn take_off(&mut self, queued: Queued) {
        if self.health == Health::Misconfigured {
            self.wait(self.office.delays.probe);
        }
        self.busy.insert(queued.delivery.lane.clone());
        let now = self.time.now();
        let age = *self.ages.entry(queued.key.clone()).or_insert_with(|| Age::of(&queued, now));
        let flight = Flight {
            office: self.office.clone(),
            time: self.time.clone(),
            age,
            sink: self.sink.clone(),
            gates: self.gates.clone(),
            plain: self
                .plain
                .get_mut(&queued.key)
                .map_or(Plain::No, |plain| std::mem::replace(plain, Plain::Begun)),
            queued,
        };
        self.under_way.push(Box::pin(flight.fly()));
    }

    async fn land(&mut self, landed: Landed) {
        self.busy.remove(&landed.lane);
        if matches!(landed.outcome, Outcome::Accepted | Outcome::Dead { .. } | Outcome::Gone) {
            self.ages.remove(&landed.key);
        }
        match landed.outcome {
            Outcome::Accepted => self.note_working(&landed.key).await,
            Outcome::Later => self.note_failing(),
            Outcome::Refused => {
                self.note_answering();
                self.plain.insert(landed.key, Plain::Due);
            }
            Outcome::Misconfigured { why } => self.note_misconfigured(why).await,
            Outcome::Dead { why } => self.note_dead(landed.key, why).await,
            Outcome::NotBegun | Outcome::Gone | Outcome::Waiting => {}
            Outcome::Grounded => self.wait(self.office.delays.store),
        }
    }

    async fn note_working(&mut self, key: &DeliveryKey) {
        self.plain.remove(key);
        self.note_answering();
        self.health = Health::Working;
        if std::mem::take(&mut self.unproven) {
            self.office.tell(SinkFact::Working { sink: self.name.clone() }).await;
        }
    }

    /// It judges messages again, whatever it says of this one.
    fn note_answering(&mut self) {
        if self.health == Health::Misconfigured {
            self.health = Health::Failing;
            self.not_before = Instant::now();
        }
    }

    fn note_failing(&mut self) {
        if self.health == Health::Working {
            self.health = Health::Failing;
        }
    }

    async fn note_misconfigured(&mut self, why: String) {
        self.unproven = true;
        self.wait(self.office.delays.probe);
        if self.health != Health::Misconfigured {
            self.health = Health::Misconfigured;
            self.office.tell(SinkFact::Misconfigured { sink: self.name.clone(), why }).await;
        }
    }

    async fn note_dead(&mut self, key: DeliveryKey, why: String) {
        self.plain.remove(&key);
        let (sink, notification_id) = (self.name.clone(), key.id);
        (self.office.count)(&sink, "dead");
        self.office.tell(SinkFact::Dead { sink, notification_id, why }).await;
    }

    fn wait(&mut self, least: Duration) {
        self.not_before = self.not_before.max(Instant::now() + least);
    }
}
