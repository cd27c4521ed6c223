//! `kill -9` at any point of a run, with two dozen entities that flap and a receiver that counts: nothing is lost,
//! nothing is invented, and what comes twice is the same message.

mod bot;
mod genie;
mod heard;
mod truth;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::json;

use self::bot::Bot;
use self::genie::Genie;
use self::heard::Heard;
use self::truth::{ENTITIES, RULES, World};
use crate::support::{
    daemon::Home,
    double::{Counted, Double},
};

/// `HIGHWATER_KILLS` asks for so many; `HIGHWATER_FULL=1` for 300.
const KILLS: usize = 100;
/// The longest that a daemon lives.
const LIFE: u64 = 1_100;
const PATIENCE: Duration = Duration::from_secs(90);

fn kills() -> usize {
    let most = if std::env::var_os("HIGHWATER_FULL").is_some() { 300 } else { KILLS };
    std::env::var("HIGHWATER_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(most)
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

fn rules() -> String {
    let rule = |n: usize| {
        json!({
            "id": format!("flap-{n}"),
            "check": { "ratio": { "index": format!("flap-{n}"), "window": "1s", "numerator": "bad", "per": ["service"] } },
            "schedule": "every 1s", "query_delay": "0s", "no_data": "keep", "flapping": "off",
            "levels": { "warning": "above 50%" },
        })
    };
    json!({ "rules": (0..RULES).map(rule).collect::<Vec<_>>() }).to_string()
}

/// Quiet before a world is set, and after its end.
async fn flapping(world: Arc<Mutex<Option<World>>>) -> Double {
    Double::start(move |asked| {
        let world = *world.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = asked.index.trim_start_matches("flap-").parse().unwrap_or(RULES);
        let count = |entity| {
            let bad = world.is_some_and(|world| world.is_bad(rule, entity, asked.end / 1000));
            Counted::new(format!("s{entity}"), if bad { 100 } else { 0 }, 100)
        };
        (0..ENTITIES).map(count).collect()
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_at_random_points_loses_nothing_invents_nothing_and_repeats_only_with_the_same_key() {
    let world = Arc::new(Mutex::new(None));
    let set = |to| *world.lock().unwrap_or_else(PoisonError::into_inner) = Some(to);
    let double = flapping(world.clone()).await;
    let heard = Heard::listen();
    let (genie, bot) = (Genie::listen(), Bot::listen());
    let mut settings = heard.settings(&double.url);
    settings["sinks"]["genie"] = genie.settings();
    settings["sinks"]["bot"] = bot.settings();
    settings["defaults"]["notify"] = json!(["hook", "genie", "bot"]);
    let home = Home::new(&settings, &rules()).env("GENIE_KEY", "k").env("BOT_TOKEN", "xoxb-t");
    // a rule owes what it missed since its first look
    let daemon = home.start().await;
    let deadline = Instant::now() + PATIENCE;
    while double.searches() < 2 * RULES {
        assert!(Instant::now() < deadline, "no look");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    daemon.kill9();
    let begin = now();
    set(World { begin, end: i64::MAX });
    let mut random = fastrand::Rng::with_seed(9);
    for _ in 0..kills() {
        let daemon = home.spawn(&[]);
        // the one sleep that is meant: the moment of death
        tokio::time::sleep(Duration::from_millis(random.u64(20..LIFE))).await;
        daemon.kill9();
    }
    // what was not looked at yet is owed, and everything since then is quiet: all that waits can be told
    // long enough for whole episodes to come and go while nobody looks
    let away = Duration::from_secs(4);
    tokio::time::sleep(away).await;
    let flapped = World { begin, end: now() };
    set(flapped);
    let truth = flapped.episodes(flapped.end + 1);
    let daemon = home.start().await;
    heard.until_told(&truth, PATIENCE).await;
    genie.until_told(&truth, PATIENCE).await;
    // it is told at most one thing a second
    bot.until_told(&truth, PATIENCE * 2).await;
    assert_eq!(daemon.stop().await, 0);
    let told = heard.told();
    told.assert_is(&truth, &truth);
    genie.assert_pages_are(&truth);
    bot.assert_repeats_are_marked();
    eprintln!("{} kills: {told}; {genie}; {bot}", kills());
    let most = kills() * RULES;
    assert!(told.duplicates <= most, "{} duplicates, more than lanes times kills", told.duplicates);
}
