//! A service of which only the answers are chosen: it keeps every request, and when it came.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::*;
use crate::support::{
    daemon::Daemon,
    wire::{self, Act, Seen, Wire},
};

/// One request, and whether it was answered as taken.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at: Instant,
    pub seen: Seen,
    pub taken: bool,
}

#[derive(Default)]
struct State {
    next: VecDeque<Vec<u8>>,
    refusal: Option<Vec<u8>>,
    asked: Vec<Asked>,
}

#[derive(Clone)]
pub struct Service {
    wire: Wire,
    state: Arc<Mutex<State>>,
}

impl Service {
    /// What it takes, it answers so.
    pub fn start(taken: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Service {
        let state: Arc<Mutex<State>> = Arc::default();
        let inside = state.clone();
        let wire = Wire::start(move |seen, _| {
            let mut state = inside.lock().unwrap_or_else(PoisonError::into_inner);
            let other = state.next.pop_front().or_else(|| state.refusal.clone());
            state.asked.push(Asked { at: Instant::now(), seen: seen.clone(), taken: other.is_none() });
            Act::Write(other.unwrap_or_else(|| taken(seen)))
        });
        Service { wire, state }
    }

    pub fn url(&self) -> String {
        self.wire.url()
    }

    /// The next request is told to come back in so many seconds.
    pub fn limits_once(&self, after: u64) {
        let busy = wire::answer(429, &[("retry-after", &after.to_string())], b"{\"message\":\"slow down\"}");
        self.state().next.push_back(busy);
    }

    /// From now on.
    pub fn refuses(&self, status: u16, body: &Value) {
        self.state().refusal = Some(wire::json(status, body));
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }

    /// What was taken, each in the words of `say`, once all of `story` is there.
    pub async fn until(&self, story: &[&str], say: impl Fn(&Seen) -> String) {
        until(&format!("{story:?}"), || {
            let asked = self.asked();
            let taken: Vec<String> = asked.iter().filter(|one| one.taken).map(|one| say(&one.seen)).collect();
            (taken == story, format!("{taken:?}"))
        })
        .await;
    }

    /// After the one that was told to come back in so many seconds nothing came sooner, and then the same.
    pub fn assert_believed(&self, after: u64) {
        let asked = self.asked();
        let limited = asked.iter().position(|one| !one.taken).expect("a request that was limited");
        let pause = asked[limited + 1].at - asked[limited].at;
        assert!(pause >= Duration::from_secs(after), "asked again {pause:?} after `Retry-After: {after}`");
        assert_eq!(asked[limited + 1].seen.body, asked[limited].seen.body, "other bytes");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A field of a form.
pub fn field(seen: &Seen, name: &str) -> String {
    let url = reqwest::Url::parse(&format!("http://form/?{}", seen.body)).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// That the sink is in trouble is told elsewhere, in words that hold `words`.
pub async fn told_elsewhere(world: &World, rule: &str, words: &str) {
    let told = |arrivals: &[crate::support::receiver::Arrival]| {
        arrivals.iter().any(|one| one.rule() == rule && one.body.to_string().contains(words))
    };
    world.hook.wait_for(&format!("{rule}: {words}"), SOON, told).await;
}

/// Stops it; nothing that it wrote holds the key.
pub async fn ends_without_a_word_of_the_key(world: &World, home: &Home, daemon: Daemon) {
    let log = home.path("daemon");
    assert_eq!(daemon.stop().await, 0);
    let written = std::fs::read_dir(log).unwrap().map(|file| file.unwrap().path());
    let mut written: Vec<String> = written
        .filter_map(|path| std::fs::read(path).ok())
        .map(|all| String::from_utf8_lossy(&all).into())
        .collect();
    assert!(written.iter().any(|log| log.contains("delivered")), "nothing was logged");
    written.extend(world.hook.arrivals().iter().map(|one| one.body.to_string()));
    assert!(!written.iter().any(|text| text.contains(KEY)), "the key is in what was written");
}
