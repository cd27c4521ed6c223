//! A sink in every kind of trouble, beside one that is well: nothing is lost, nobody else waits, and somebody is told.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{
    daemon::Home,
    double::{Counted, Double},
    receiver::{Arrival, Receiver, Reply},
};

const RULES: usize = 3;
const SOON: Duration = Duration::from_secs(30);
/// Back-off doubles: what failed often may wait for a minute.
const BY_AND_BY: Duration = Duration::from_secs(150);

/// A cluster whose rules fire and recover every few seconds until it is calm.
struct World {
    double: Double,
    calm: Arc<AtomicBool>,
    ill: Receiver,
    well: Receiver,
}

impl World {
    async fn start() -> World {
        let calm = Arc::new(AtomicBool::new(false));
        let is_calm = calm.clone();
        let double = Double::start(move |asked| {
            let n: i64 = asked.index.trim_start_matches("flap-").parse().unwrap();
            let bad = !is_calm.load(Ordering::Relaxed) && (asked.end / 1000 + n) % 4 < 2;
            vec![Counted::new("s", if bad { 1 } else { 0 }, 1)]
        });
        World { double: double.await, calm, ill: Receiver::start(), well: Receiver::start() }
    }

    fn home(&self, ill: &Value) -> Home {
        let settings = json!({
            "clusters": { "main": { "urls": [self.double.url] } },
            "rules": ["rules"],
            "sinks": { "ill": ill, "well": { "webhook": { "url": self.well.url("/well") } } },
            "defaults": { "notify": ["ill", "well"] },
            "delivery": { "timeout": "1s" },
            "server": { "listen": "127.0.0.1:0" },
            "telemetry": { "format": "json" },
        });
        Home::new(&settings, &rules())
    }

    fn webhook(&self) -> Value {
        json!({ "webhook": { "url": self.ill.url("/ill") } })
    }

    /// Waits until the sick sink was asked so often while it answered this.
    async fn suffer(&self, reply: Reply, times: usize) {
        self.ill.answer(reply.clone());
        let of_it = |arrivals: &[Arrival]| arrivals.iter().filter(|one| one.reply == reply).count();
        self.ill.wait_for(&format!("{times} x {reply:?}"), BY_AND_BY, |all| of_it(all) >= times).await;
    }
}

fn rules() -> String {
    let rule = |n: usize| {
        let check = json!({ "ratio": { "index": format!("flap-{n}"), "window": "1s", "numerator": "bad" } });
        let levels = json!({ "warning": "above 50%" });
        json!({ "id": format!("flap-{n}"), "check": check, "schedule": "every 1s", "query_delay": "0s",
                "no_data": "keep", "flapping": "off", "levels": levels })
    };
    json!({ "rules": (0..RULES).map(rule).collect::<Vec<_>>() }).to_string()
}

/// The events that each rule told, in order; what was taken twice counts once.
fn stories(receiver: &Receiver) -> BTreeMap<String, Vec<String>> {
    let mut stories: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for arrival in receiver.arrivals().iter().filter(|one| one.taken() && one.rule().starts_with("flap")) {
        for event in arrival.events() {
            let story = stories.entry(event.rule.clone()).or_default();
            let id = event.alert["event_id"].as_str().unwrap().to_owned();
            if !story.contains(&id) {
                story.push(id);
            }
        }
    }
    stories
}

/// How long after its tick a message of a rule was heard, at most.
fn slowest(receiver: &Receiver) -> Duration {
    let now = chrono::Utc::now();
    let age = |arrival: &Arrival| {
        let at: chrono::DateTime<chrono::Utc> = arrival.body["at"].as_str().unwrap().parse().unwrap();
        (now - at).to_std().unwrap_or_default().saturating_sub(arrival.at.elapsed())
    };
    let flaps = receiver.arrivals();
    flaps.iter().filter(|arrival| arrival.rule().starts_with("flap")).map(age).max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_is_down_busy_cut_off_or_silent_loses_nothing_and_delays_nobody() {
    let world = World::start().await;
    let home = world.home(&world.webhook());
    let daemon = home.start().await;
    world.suffer(Reply::Ok, 1).await;
    world.suffer(Reply::Status(500), 2).await;
    world.suffer(Reply::Cut, 1).await;
    world.suffer(Reply::Nothing, 1).await;
    let (after, before) = (2, world.ill.arrivals().len());
    world.suffer(Reply::Overloaded { after }, 3).await;
    world.ill.answer(Reply::Ok);
    world.calm.store(true, Ordering::Relaxed);
    let same = |_: &[Arrival]| stories(&world.ill) == stories(&world.well);
    let heard = world.ill.wait_for("the sick sink to know all", BY_AND_BY, same).await;
    for pair in heard[before..].windows(2) {
        if matches!(pair[0].reply, Reply::Overloaded { .. }) {
            let pause = pair[1].at - pair[0].at;
            assert!(
                pause >= Duration::from_secs(after),
                "asked again {pause:?} after `Retry-After: {after}`"
            );
        }
    }
    let slowest = slowest(&world.well);
    assert!(slowest < Duration::from_secs(5), "the other sink waited {slowest:?}");
    for (rule, story) in stories(&world.well) {
        assert!(story.len() > 3, "{rule} told next to nothing: {story:?}");
    }
    assert_same_bytes(&world.ill);
    assert_eq!(daemon.stop().await, 0);
}

fn assert_same_bytes(receiver: &Receiver) {
    let mut bodies: BTreeMap<String, Value> = BTreeMap::new();
    for arrival in receiver.arrivals() {
        let first = bodies.entry(arrival.key().to_owned()).or_insert_with(|| arrival.body.clone());
        assert_eq!(*first, arrival.body, "two bodies under one Idempotency-Key");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_refused_is_tried_once_more_as_plain_text_then_told_of_through_the_other_sink() {
    let world = World::start().await;
    let home = world.home(&world.webhook());
    let daemon = home.start().await;
    world.suffer(Reply::Ok, 1).await;
    world.suffer(Reply::Status(400), 2).await;
    world.well.wait_for_story("highwater-dead-letter ill", &["fired critical"], SOON).await;
    world.ill.answer(Reply::Ok);
    let known = world.ill.events("flap-0").len();
    world.ill.wait_for("the next message", SOON, |_| world.ill.events("flap-0").len() > known).await;
    let refused = world.ill.arrivals();
    for arrival in refused.iter().filter(|arrival| arrival.reply == Reply::Status(400)) {
        let same = refused.iter().filter(|one| one.key() == arrival.key()).count();
        assert!(same <= 2, "a message that is refused was tried {same} times");
    }
    assert!(world.ill.story("highwater-dead-letter ill").is_empty(), "told through the sink concerned");
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_html_under_200_is_no_success_for_slack_and_the_message_comes_when_slack_is_back() {
    const MISCONFIGURED: &str = "highwater-sink-misconfigured ill";
    let world = World::start().await;
    let home = world.home(&json!({ "slack": { "webhook_url": "${env:CHANNEL}" } }));
    let home = home.env("CHANNEL", &world.ill.url("/services/T/B/x"));
    world.ill.answer(Reply::Html);
    let daemon = home.start().await;
    world.well.wait_for_story(MISCONFIGURED, &["fired critical"], SOON).await;
    let first = world.ill.arrivals()[0].body.clone();
    assert_eq!(daemon.stop().await, 0);
    world.ill.answer(Reply::Ok);
    let daemon = home.start().await;
    let again = |arrivals: &[Arrival]| arrivals.iter().any(|one| one.reply == Reply::Ok && one.body == first);
    world.ill.wait_for("the message that was not taken", SOON, again).await;
    let over = ["fired critical", "resolved critical cleared"];
    world.well.wait_for_story(MISCONFIGURED, &over, SOON).await;
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_lets_what_is_under_way_arrive_and_a_start_repeats_nothing() {
    let world = World::start().await;
    let home = world.home(&world.webhook());
    world.ill.answer(Reply::Slow(Duration::from_millis(600)));
    let daemon = home.start().await;
    world.ill.wait_for("the first message", SOON, |arrivals| !arrivals.is_empty()).await;
    assert_eq!(daemon.stop().await, 0);
    assert_eq!(stories(&world.ill), stories(&world.well), "one sink knows more than the other");
    let told = world.ill.arrivals().len();
    world.calm.store(true, Ordering::Relaxed);
    let daemon = home.start().await;
    let calm = |_: &[Arrival]| world.ill.arrivals().len() > told || world.double.searches() > 3 * RULES * 10;
    world.ill.wait_for("what there is to say", SOON, calm).await;
    assert_eq!(daemon.stop().await, 0);
    let keys: Vec<String> = world.ill.arrivals().iter().map(|arrival| arrival.key().to_owned()).collect();
    let mut once = keys.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), keys.len(), "something was sent twice: {keys:?}");
}
