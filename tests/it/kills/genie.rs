//! A pager that knows alerts by their alias, answers late and fails now and then: a page that is asked for twice is one page.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::truth::Who;
use crate::support::wire::{Act, Seen, Wire, answer, json as reply};

pub struct Genie {
    wire: Wire,
    pages: Arc<Mutex<Pages>>,
}

/// What it was asked for.
#[derive(Debug, Default, Clone)]
struct Pages {
    /// Begin of what is open, by alias.
    open: BTreeMap<String, i64>,
    who: BTreeMap<String, Who>,
    paged: BTreeMap<Who, BTreeSet<i64>>,
    closed: BTreeSet<(String, i64)>,
    /// Asked for while it was open: folded into it.
    folded: usize,
    /// Opened again after it was closed, or opened before the one before it was closed: nothing may do that.
    wrong: Vec<String>,
}

impl Genie {
    pub fn listen() -> Genie {
        let pages: Arc<Mutex<Pages>> = Arc::default();
        let to = pages.clone();
        let wire = Wire::start(move |seen, n| {
            std::thread::sleep(Duration::from_millis(n as u64 * 29 % 40));
            if n % 17 == 4 {
                return Act::Write(answer(503, &[], b"busy"));
            }
            let reply = to.lock().unwrap_or_else(PoisonError::into_inner).hear(seen, n);
            // it was heard, and whoever asked does not know
            if n % 19 == 7 { Act::Cut(Vec::new()) } else { Act::Write(reply) }
        });
        Genie { wire, pages }
    }

    pub fn settings(&self) -> Value {
        json!({ "opsgenie": { "api_key": "${env:GENIE_KEY}", "url": self.wire.url() } })
    }

    /// Waits until every episode of `truth` was paged and is closed.
    pub async fn until_told(&self, truth: &BTreeMap<Who, Vec<(i64, i64)>>, patience: Duration) {
        let deadline = Instant::now() + patience;
        loop {
            let missing = self.now().missing(truth);
            if missing.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "never paged or never closed: {missing:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn now(&self) -> Pages {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every page was a real one, once, and was closed before the next.
    pub fn assert_pages_are(&self, later: &BTreeMap<Who, Vec<(i64, i64)>>) {
        let pages = self.now();
        assert_eq!(pages.wrong, [""; 0]);
        for (who, paged) in &pages.paged {
            let real = |since: &&i64| later[who].iter().any(|(from, _)| from == *since);
            let invented: Vec<_> = paged.iter().filter(|since| !real(since)).collect();
            assert!(invented.is_empty(), "invented of {who:?}: {invented:?}");
        }
    }
}

impl fmt::Display for Genie {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pages = self.now();
        let all: usize = pages.paged.values().map(BTreeSet::len).sum();
        write!(to, "{all} pages, {} asked for twice and folded by their alias, 0 lost", pages.folded)
    }
}

impl Pages {
    fn hear(&mut self, seen: &Seen, n: usize) -> Vec<u8> {
        let path = seen.target.split('?').next().unwrap_or_default();
        if path.starts_with("/v2/alerts/requests/") {
            return reply(200, &json!({ "data": { "isSuccess": true, "status": "Created alert" } }));
        }
        match path.trim_start_matches("/v2/alerts").trim_start_matches('/').split_once('/') {
            None => self.create(&serde_json::from_str(&seen.body).expect("a body of JSON")),
            Some((alias, "close")) => self.close(alias),
            Some(_) => {}
        }
        reply(202, &json!({ "result": "Request will be processed", "requestId": format!("r-{n}") }))
    }

    fn create(&mut self, body: &Value) {
        let alias = body["alias"].as_str().expect("an alias").to_owned();
        let details = &body["details"];
        let rule = details["rule"].as_str().and_then(|rule| rule.strip_prefix("flap-")?.parse().ok());
        let service = details["service"].as_str().and_then(|service| service[1..].parse().ok());
        let who: Who = rule.zip(service).unwrap_or_else(|| panic!("neither rule nor service: {body}"));
        let since = details["since"].as_str().expect("a time");
        let since = chrono::DateTime::parse_from_rfc3339(since).expect("a time").timestamp();
        if self.open.get(&alias) == Some(&since) {
            self.folded += 1;
            return;
        }
        if let Some(before) = self.open.insert(alias.clone(), since) {
            self.wrong.push(format!("{who:?} of {since} was opened, and that of {before} is open"));
        }
        if !self.paged.entry(who).or_default().insert(since) {
            self.wrong.push(format!("{who:?} of {since} was opened again"));
        }
        self.who.insert(alias, who);
    }

    fn close(&mut self, alias: &str) {
        if let Some(since) = self.open.remove(alias) {
            self.closed.insert((alias.to_owned(), since));
        }
    }

    fn missing(&self, truth: &BTreeMap<Who, Vec<(i64, i64)>>) -> Vec<(Who, i64)> {
        let closed: BTreeSet<(Who, i64)> =
            self.closed.iter().filter_map(|(alias, since)| Some((*self.who.get(alias)?, *since))).collect();
        let all = truth.iter().flat_map(|(who, episodes)| episodes.iter().map(|(from, _)| (*who, *from)));
        all.filter(|episode| !closed.contains(episode)).collect()
    }
}
