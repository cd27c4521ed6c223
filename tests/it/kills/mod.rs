//! `kill -9` at any point of a run, with two dozen entities that flap and a receiver that counts: nothing is lost,
//! nothing is invented, and what comes twice is the same message.

mod bot;
mod genie;
mod heard;
mod truth;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;

use self::bot::Bot;
use self::genie::Genie;
use self::heard::Heard;
use self::truth::{ENTITIES, RULES, episodes, is_bad};
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

async fn flapping(begin: Arc<AtomicI64>) -> Double {
    Double::start(move |asked| {
        let begin = begin.load(Ordering::Relaxed);
        let rule = asked.index.trim_start_matches("flap-").parse().unwrap_or(RULES);
        let count = |entity| {
            let bad = is_bad(begin, rule, entity, asked.end / 1000);
            Counted::new(format!("s{entity}"), if bad { 100 } else { 0 }, 100)
        };
        (0..ENTITIES).map(count).collect()
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_at_random_points_loses_nothing_invents_nothing_and_repeats_only_with_the_same_key() {
    let world = Arc::new(AtomicI64::new(i64::MAX / 2));
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
    world.store(begin, Ordering::Relaxed);
    let mut random = fastrand::Rng::with_seed(9);
    for _ in 0..kills() {
        let daemon = home.spawn(&[]);
        // the one sleep that is meant: the moment of death
        tokio::time::sleep(Duration::from_millis(random.u64(20..LIFE))).await;
        daemon.kill9();
    }
    let end = now();
    let truth = episodes(begin, end);
    let daemon = home.start().await;
    heard.until_told(&truth, PATIENCE).await;
    genie.until_told(&truth, PATIENCE).await;
    // it is told at most one thing a second
    bot.until_told(&truth, PATIENCE * 2).await;
    assert_eq!(daemon.stop().await, 0);
    let told = heard.told();
    let later = episodes(begin, now());
    told.assert_is(&truth, &later);
    genie.assert_pages_are(&later);
    bot.assert_repeats_are_marked();
    eprintln!("{} kills: {told}; {genie}; {bot}", kills());
    let most = kills() * RULES;
    assert!(told.duplicates <= most, "{} duplicates, more than lanes times kills", told.duplicates);
}
