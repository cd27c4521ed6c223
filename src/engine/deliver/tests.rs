//! At the wire: a local receiver that answers by a script, and the real store in memory.

mod bot;
mod ends;
mod late;
mod receiver;
mod several;
mod storm;

use std::{collections::BTreeMap, io, sync::Mutex};

use self::receiver::{Receiver, Reply};
use super::*;
use crate::{
    checks::Memory,
    config::RuleKey,
    model::{
        Kind, Level,
        blind::Blind,
        notification::Delivery,
        samples::{change, notification},
        secret::{Part, Secret},
        time::Course,
    },
    sinks,
    store::{Card, Depth, Turn},
};

const SOON: Duration = Duration::from_secs(20);

/// A sink by its settings, with the receiver's address in the place of `RECEIVER`.
fn sink(yaml: &str, receiver: &Receiver) -> Arc<dyn Sink> {
    let yaml = yaml.replace("RECEIVER", &format!("http://{}", receiver.address));
    serde_saphyr::from_str::<sinks::Kind>(&yaml).unwrap().into_sink()
}

fn webhook(receiver: &Receiver) -> Arc<dyn Sink> {
    sink("webhook: { url: \"RECEIVER/hook\" }", receiver)
}

fn literal(secret: &Secret) -> Result<String, String> {
    let part = |part: &Part| match part {
        Part::Literal(text) => Ok(text.clone()),
        Part::Env(name) | Part::File(name) => Err(format!("`{name}` is not there")),
    };
    secret.parts.iter().map(part).collect()
}

fn quick() -> Delays {
    Delays {
        first: Duration::from_millis(10),
        most: Duration::from_millis(40),
        probe: Duration::from_millis(150),
        store: Duration::from_millis(10),
        ..Delays::default()
    }
}

/// An office, what it says, and what it counts.
struct Bench {
    store: Store,
    facts: mpsc::Receiver<SinkFact>,
    counts: Arc<Mutex<BTreeMap<(String, &'static str), u32>>>,
    lanes: Option<Lanes>,
}

impl Bench {
    fn new(delays: Delays, sinks: Vec<(&str, Arc<dyn Sink>)>) -> Self {
        Self::over(Store::in_memory(Clock::system()).unwrap(), delays, sinks, Duration::from_millis(400))
    }

    fn over(store: Store, delays: Delays, sinks: Vec<(&str, Arc<dyn Sink>)>, timeout: Duration) -> Self {
        Self::by_clock(Clock::system(), store, delays, sinks, timeout)
    }

    fn by_clock(
        clock: Clock,
        store: Store,
        delays: Delays,
        sinks: Vec<(&str, Arc<dyn Sink>)>,
        timeout: Duration,
    ) -> Self {
        // a second installation is refused, and is not needed
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let door = Door::new(timeout, clock.clone(), Arc::new(literal)).unwrap();
        let (to, facts) = mpsc::channel(64);
        let counts = Arc::new(Mutex::new(BTreeMap::new()));
        let counting = counts.clone();
        let count: Count = Arc::new(move |sink: &str, verdict: &'static str| {
            *counting.lock().unwrap().entry((sink.to_owned(), verdict)).or_insert(0) += 1;
        });
        let told: Told = Arc::new(|_| {});
        let office = Office { store: store.clone(), clock, door, delays, facts: to, count, told };
        let sinks = sinks.into_iter().map(|(name, sink)| (name.to_owned(), sink));
        Self { store, facts, counts, lanes: Some(Lanes::open(office, sinks)) }
    }

    /// Commits deliveries named `rule/number`, for `sink`.
    async fn put(&self, sink: &str, ids: &[&str]) {
        let deliveries = ids.iter().map(|id| delivery(sink, id)).collect();
        self.store.commit(turn(deliveries)).await.unwrap();
    }

    async fn fact(&mut self) -> SinkFact {
        timeout(SOON, self.facts.recv()).await.unwrap().unwrap()
    }

    async fn depth(&self, sink: &str) -> Depth {
        let depths = self.store.depth().await.unwrap();
        depths.into_iter().find(|depth| depth.sink == sink).unwrap_or_default()
    }

    /// Waits until nothing is queued or held for `sink`.
    async fn drained(&self, sink: &str) {
        let empty = async {
            loop {
                let depth = self.depth(sink).await;
                if depth.queued + depth.held == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(SOON, empty).await.unwrap();
    }

    fn count(&self, sink: &str, verdict: &'static str) -> u32 {
        self.counts.lock().unwrap().get(&(sink.to_owned(), verdict)).copied().unwrap_or_default()
    }

    async fn stop(&mut self) {
        self.lanes.take().unwrap().stop(Duration::from_secs(10)).await;
    }
}

fn delivery(sink: &str, id: &str) -> Delivery {
    let mut notification = notification(vec![change(Kind::Fired, Level::Critical)]);
    notification.rule = id.split('/').next().unwrap().to_owned();
    notification.notification_id = id.to_owned();
    notification.text = format!("text of {id}");
    Delivery::of_rule(sink, notification, chrono_tz::UTC)
}

fn turn(deliveries: Vec<Delivery>) -> Turn {
    Turn {
        key: RuleKey::new("r", "main"),
        card: Card::default(),
        runs: Vec::new(),
        watermark: None,
        owed: Vec::new(),
        blind: Blind::default(),
        course: Course::default(),
        memory: Memory::default(),
        alerts: Vec::new(),
        told: Vec::new(),
        deliveries,
        history: Vec::new(),
        untold: BTreeMap::new(),
        forget_rule: false,
    }
}

fn names(range: std::ops::Range<u32>, rule: &str) -> Vec<String> {
    range.map(|n| format!("{rule}/{n}")).collect()
}

#[tokio::test]
async fn a_delivery_goes_out_once_and_is_forgotten() {
    let receiver = Receiver::start(|_| Reply::status(200)).await;
    let mut bench = Bench::new(quick(), vec![("hook", webhook(&receiver))]);
    bench.put("hook", &["r/1"]).await;
    assert_eq!(bench.fact().await, SinkFact::Working { sink: "hook".to_owned() });
    bench.drained("hook").await;
    assert_eq!(receiver.ids(), ["r/1"]);
    assert_eq!(bench.count("hook", "accepted"), 1);
}

#[tokio::test]
async fn every_attempt_sends_the_same_key_and_the_same_bytes_until_it_is_taken() {
    let script = [Reply::status(500), Reply::status(429), Reply::hang(), Reply::cut(), Reply::html(502)];
    let receiver = Receiver::start(move |n| script.get(n).cloned().unwrap_or(Reply::status(200))).await;
    let bench = Bench::new(quick(), vec![("hook", webhook(&receiver))]);
    bench.put("hook", &["r/1"]).await;
    bench.drained("hook").await;
    let seen = receiver.seen();
    assert_eq!(seen.len(), 6);
    assert!(seen.iter().all(|attempt| attempt.id == "r/1" && attempt.body == seen[0].body));
    assert_eq!((bench.count("hook", "later"), bench.count("hook", "accepted")), (5, 1));
}

#[tokio::test]
async fn within_a_lane_nothing_overtakes_whatever_fails() {
    // two of three attempts fail, in every way there is
    let script = |n: usize| match n % 6 {
        0 => Reply::status(503),
        1 => Reply::cut(),
        2 | 5 => Reply::status(204),
        3 => Reply::status(408),
        _ => Reply::status(500),
    };
    let receiver = Receiver::start(script).await;
    let bench = Bench::new(quick(), vec![("hook", webhook(&receiver))]);
    let lanes: Vec<Vec<String>> = ["a", "b", "c", "d", "e", "f"].map(|rule| names(0..8, rule)).to_vec();
    for n in 0..8 {
        for lane in &lanes {
            bench.put("hook", &[&lane[n]]).await;
        }
    }
    bench.drained("hook").await;
    for lane in &lanes {
        let rule = &lane[0][..2];
        let mut firsts = receiver.ids();
        firsts.retain(|id| id.starts_with(rule));
        firsts.dedup();
        assert_eq!(&firsts, lane, "a later delivery was begun before an earlier one was settled");
    }
}

#[tokio::test]
async fn no_request_is_made_while_a_service_asks_to_be_left_alone() {
    let receiver = Receiver::start(|n| if n == 0 { Reply::retry_after(1) } else { Reply::status(200) }).await;
    let bench = Bench::new(quick(), vec![("hook", webhook(&receiver))]);
    bench.put("hook", &["a/1"]).await;
    receiver.wait_for(1).await;
    bench.put("hook", &["b/1", "c/1", "d/1", "e/1", "f/1"]).await;
    bench.drained("hook").await;
    let seen = receiver.seen();
    assert_eq!(seen.len(), 7);
    let pause = seen[1].at - seen[0].at;
    assert!(pause >= Duration::from_millis(950), "{pause:?}");
}

#[tokio::test]
async fn a_poisoned_message_gets_one_plain_attempt_then_it_is_dead_and_told_and_the_next_goes_out() {
    let receiver = Receiver::by_id(|id| Reply::status(if id == "r/1" { 400 } else { 200 })).await;
    let mut bench = Bench::new(quick(), vec![("hook", webhook(&receiver))]);
    bench.put("hook", &["r/1", "r/2"]).await;
    let fact = bench.fact().await;
    let SinkFact::Dead { sink, notification_id, why } = fact else { panic!("{fact:?}") };
    assert_eq!((sink.as_str(), notification_id.as_str(), why.as_str()), ("hook", "r/1", "answered 400"));
    bench.drained("hook").await;
    assert_eq!(receiver.ids(), ["r/1", "r/1", "r/2"]);
    let seen = receiver.seen();
    assert!(seen[0].body.contains("used_bytes") && !seen[1].body.contains("used_bytes"));
    assert_eq!(bench.depth("hook").await.dead, 1);
    assert_eq!(bench.count("hook", "dead"), 1);
}

#[tokio::test]
async fn a_message_that_is_only_taken_as_plain_text_is_delivered_so() {
    let receiver = Receiver::start(|n| if n == 0 { Reply::status(413) } else { Reply::status(200) }).await;
    let bench = Bench::new(quick(), vec![("hook", webhook(&receiver))]);
    bench.put("hook", &["r/1"]).await;
    bench.drained("hook").await;
    assert_eq!(receiver.ids(), ["r/1", "r/1"]);
    assert_eq!(bench.depth("hook").await.dead, 0);
}

#[tokio::test]
async fn a_misconfigured_sink_is_told_once_and_probed_seldom_and_goes_on_when_it_is_mended() {
    let receiver = Receiver::start(|n| Reply::status(if n < 3 { 404 } else { 200 })).await;
    let mut bench = Bench::new(quick(), vec![("hook", webhook(&receiver))]);
    bench.put("hook", &["a/1"]).await;
    let fact = bench.fact().await;
    assert_eq!(fact, SinkFact::Misconfigured { sink: "hook".to_owned(), why: "answered 404".to_owned() });
    bench.put("hook", &["a/2", "b/1", "c/1"]).await;
    assert_eq!(bench.fact().await, SinkFact::Working { sink: "hook".to_owned() });
    bench.drained("hook").await;
    let seen = receiver.seen();
    assert_eq!(seen.len(), 3 + 4);
    for n in 0..3 {
        assert!(seen[n + 1].at - seen[n].at >= Duration::from_millis(140), "probe {n}");
    }
    assert!(bench.facts.try_recv().is_err(), "each was told once");
}

#[tokio::test]
async fn a_missing_secret_holds_the_sink_until_it_is_there() {
    let receiver = Receiver::start(|_| Reply::status(200)).await;
    let sink = sink("webhook: { url: \"${env:NOT_THERE}\" }", &receiver);
    let mut bench = Bench::new(quick(), vec![("hook", sink)]);
    bench.put("hook", &["r/1"]).await;
    let fact = bench.fact().await;
    assert_eq!(
        fact,
        SinkFact::Misconfigured { sink: "hook".to_owned(), why: "`NOT_THERE` is not there".to_owned() }
    );
    let held = async {
        while bench.depth("hook").await.held == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, held).await.unwrap();
}

#[tokio::test]
async fn a_dead_sink_and_a_silent_one_delay_no_other() {
    let (fine, silent) =
        (Receiver::start(|_| Reply::status(200)).await, Receiver::start(|_| Reply::hang()).await);
    let gone = Receiver::gone().await;
    let sinks = vec![("fine", webhook(&fine)), ("silent", webhook(&silent)), ("gone", webhook(&gone))];
    let mut bench = Bench::new(quick(), sinks);
    let many = names(0..20, "r");
    for name in &many {
        for sink in ["silent", "gone", "fine"] {
            bench.put(sink, &[name]).await;
        }
    }
    let started = Instant::now();
    bench.drained("fine").await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(fine.ids(), many);
    assert_eq!(bench.fact().await, SinkFact::Working { sink: "fine".to_owned() });
    assert_eq!((bench.depth("silent").await.queued, bench.depth("gone").await.queued), (20, 20));
}

#[tokio::test]
async fn what_nobody_takes_for_too_long_is_given_up_and_told() {
    let receiver = Receiver::start(|_| Reply::status(503)).await;
    let delays = Delays { give_up_after: Duration::from_secs(2), ..quick() };
    let mut bench = Bench::new(delays, vec![("hook", webhook(&receiver))]);
    bench.put("hook", &["r/1"]).await;
    let SinkFact::Dead { notification_id, why, .. } = bench.fact().await else { panic!() };
    assert_eq!((notification_id.as_str(), why.as_str()), ("r/1", "given up after 2s: answered 503"));
    assert!(receiver.seen().len() > 2);
}

#[tokio::test]
async fn a_clock_that_leaps_a_day_ahead_gives_nothing_up() {
    let start: Time = "2026-03-02T10:00:00Z".parse().unwrap();
    let clock = Clock::standing_at(start);
    let leaping = clock.clone();
    let receiver = Receiver::start(move |n| match n {
        0..3 => Reply::status(503),
        3..8 => {
            leaping.turn_to(start + Duration::from_secs(25 * 3600));
            Reply::status(503)
        }
        _ => Reply::status(200),
    })
    .await;
    let store = Store::in_memory(clock.clone()).unwrap();
    let at_once = Delays { first: Duration::ZERO, most: Duration::ZERO, ..quick() };
    let mut bench = Bench::by_clock(clock, store, at_once, vec![("hook", webhook(&receiver))], SOON);
    bench.put("hook", &["r/1"]).await;
    bench.drained("hook").await;
    assert_eq!(bench.fact().await, SinkFact::Working { sink: "hook".to_owned() });
    assert_eq!(bench.depth("hook").await.dead, 0);
}

#[tokio::test]
async fn what_lay_in_the_store_for_days_is_tried_for_a_while_before_it_is_given_up() {
    let start: Time = "2026-03-02T10:00:00Z".parse().unwrap();
    let clock = Clock::standing_at(start);
    let store = Store::in_memory(clock.clone()).unwrap();
    store.commit(turn(vec![delivery("hook", "r/1")])).await.unwrap();
    clock.turn_to(start + Duration::from_secs(3 * 86_400));
    let receiver = Receiver::start(|n| Reply::status(if n < 5 { 503 } else { 200 })).await;
    let at_once = Delays { first: Duration::ZERO, most: Duration::ZERO, ..quick() };
    let bench = Bench::by_clock(clock, store, at_once, vec![("hook", webhook(&receiver))], SOON);
    bench.drained("hook").await;
    assert_eq!(bench.depth("hook").await.dead, 0);
}

#[tokio::test]
async fn slack_hears_at_most_one_message_a_second() {
    let receiver = Receiver::start(|_| Reply::text(200, "ok")).await;
    let slack = sink("slack: { webhook_url: \"RECEIVER/services/T0/B0/x\" }", &receiver);
    let bench = Bench::new(quick(), vec![("alerts", slack)]);
    bench.put("alerts", &["a/1", "b/1", "c/1"]).await;
    bench.drained("alerts").await;
    let seen = receiver.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen[2].at - seen[0].at >= Duration::from_millis(1900));
    assert!(seen[0].body.contains("\"attachments\""));
}
