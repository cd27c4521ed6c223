//! Nodes that fail, and how often they are bothered.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use highwater::{
    clock::Clock,
    config::settings::Auth,
    elastic::{Elastic, ElasticError},
    model::{
        Cause,
        query::{Call, Proof, Query},
        secret::Secret,
    },
};
use serde_json::json;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::{ask, at, door, door_to, health, resolve, settings};
use crate::support::wire::{Act, Wire, answer, json as reply};

fn green() -> Act {
    Act::Write(reply(200, &json!({ "status": "green", "timed_out": false })))
}

/// A port where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn rejected() -> serde_json::Value {
    json!({ "error": { "type": "es_rejected_execution_exception", "reason": "queue" }, "status": 429 })
}

#[tokio::test]
async fn a_dead_node_of_two_costs_no_answer() {
    let wire = Wire::start(|_, _| green());
    let door = door(&settings(&[nobody(), wire.url()]));
    for n in 0..20 {
        door.ask(at(n), &[health()]).await.remove(0).unwrap();
    }
    assert_eq!(wire.seen().len(), 20);
}

#[tokio::test]
async fn a_node_that_fails_rests_and_is_tried_again() {
    let clock = Clock::standing_at(at(0));
    let sick =
        Wire::start(|_, number| if number == 0 { Act::Write(reply(502, &json!({}))) } else { green() });
    let well = Wire::start(|_, _| green());
    rustls::crypto::ring::default_provider().install_default().ok();
    let door = Elastic::new(&settings(&[sick.url(), well.url()]), clock.clone(), &resolve()).unwrap();
    for n in 0..10 {
        door.ask(at(n), &[health()]).await.remove(0).unwrap();
    }
    assert_eq!((sick.seen().len(), well.seen().len()), (1, 10));
    clock.turn_to(at(30));
    for n in 10..20 {
        door.ask(at(n), &[health()]).await.remove(0).unwrap();
    }
    assert!(sick.seen().len() > 3, "never tried again");
}

#[tokio::test]
async fn a_node_that_hangs_costs_no_answer_where_another_one_answers() {
    let hangs = Arc::new(AtomicBool::new(true));
    let still = hangs.clone();
    let sick = Wire::start(move |_, _| if still.load(Ordering::Relaxed) { Act::Hang } else { green() });
    let well = Wire::start(|_, _| green());
    rustls::crypto::ring::default_provider().install_default().ok();
    let (clock, mut cluster) = (Clock::standing_at(at(0)), settings(&[sick.url(), well.url()]));
    cluster.timeout = Duration::from_millis(800);
    let door = Elastic::new(&cluster, clock.clone(), &resolve()).unwrap();
    let look = async |n: i64| {
        clock.turn_to(at(100 * n));
        door.ask(at(100 * n), &[health()]).await.remove(0)
    };
    for n in 0..9 {
        look(n).await.unwrap();
    }
    assert_eq!(sick.count("/_cluster/health"), 1, "it was sent what it would not answer");
    assert!(sick.seen().len() > 3, "never tried again");
    hangs.store(false, Ordering::Relaxed);
    for n in 9..13 {
        look(n).await.unwrap();
    }
    assert!(sick.count("/_cluster/health") > 1, "never trusted again");
}

#[tokio::test]
async fn a_node_that_is_only_slow_is_waited_for_and_asked_once() {
    let slow = Wire::start(|seen, _| {
        if seen.target.starts_with("/_cluster/health") {
            std::thread::sleep(Duration::from_millis(1_200));
        }
        green()
    });
    let other = Wire::start(|_, _| green());
    let mut cluster = settings(&[slow.url(), other.url()]);
    cluster.timeout = Duration::from_secs(3);
    ask(&door(&cluster), health()).await.unwrap();
    let asked = slow.count("/_cluster/health") + other.count("/_cluster/health");
    assert_eq!(asked, 1, "the same question was put to both");
}

#[tokio::test]
async fn where_every_node_hangs_all_are_named_within_the_deadline() {
    let (one, other) = (Wire::start(|_, _| Act::Hang), Wire::start(|_, _| Act::Hang));
    let mut cluster = settings(&[one.url(), other.url()]);
    cluster.timeout = Duration::from_millis(900);
    let reason = ask(&door(&cluster), health()).await.unwrap_err();
    assert_eq!(reason.cause, Cause::Unreachable);
    for url in [one.url(), other.url()] {
        assert!(reason.text.contains(url.strip_prefix("http://").unwrap()), "{reason}");
    }
}

#[tokio::test]
async fn where_nobody_answers_all_are_named() {
    let (one, other) = (nobody(), nobody());
    let reason = ask(&door(&settings(&[one.clone(), other.clone()])), health()).await.unwrap_err();
    assert_eq!(reason.cause, Cause::Unreachable);
    for url in [one, other] {
        let name = url.strip_prefix("http://").unwrap();
        assert!(reason.text.contains(&format!("`{name}` refuses connections")), "{reason}");
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_said_so() {
    let reason = ask(&door_to("http://no-such-host.invalid:9200"), health()).await.unwrap_err();
    assert_eq!(reason.cause, Cause::Unreachable);
    assert!(reason.text.contains("cannot resolve `no-such-host.invalid`"), "{reason}");
}

/// A listener whose queue is full: nobody accepts what comes after it.
struct Full {
    listener: tokio::net::TcpListener,
    _queued: Vec<TcpStream>,
}

impl Full {
    async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let listener = socket.listen(1).unwrap();
        let mut queued = Vec::new();
        while let Ok(connected) =
            timeout(Duration::from_secs(1), TcpStream::connect(listener.local_addr().unwrap())).await
        {
            queued.push(connected.unwrap());
            assert!(queued.len() < 64, "the queue has no end");
        }
        Self { listener, _queued: queued }
    }

    fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }
}

#[tokio::test]
async fn a_node_that_does_not_accept_is_given_up_at_the_connect_deadline() {
    let full = Full::new().await;
    let mut cluster = settings(&[full.url()]);
    (cluster.connect_timeout, cluster.timeout) = (Duration::from_millis(200), Duration::from_secs(5));
    let started = Instant::now();
    let reason = ask(&door(&cluster), health()).await.unwrap_err();
    assert_eq!(reason.cause, Cause::Unreachable, "{reason}");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_is_not() {
    let error = |status| {
        reply(status, &json!({ "error": { "type": "x_exception", "reason": "x" }, "status": status }))
    };
    for (status, tries) in
        [(429, 3), (502, 3), (503, 3), (504, 3), (400, 1), (401, 1), (403, 1), (404, 1), (408, 1), (500, 1)]
    {
        let bytes = error(status);
        let wire = Wire::start(move |_, _| Act::Write(bytes.clone()));
        ask(&door_to(&wire.url()), health()).await.unwrap_err();
        assert_eq!(wire.seen().len(), tries, "{status}");
    }
    let buckets = json!({ "error": { "type": "too_many_buckets_exception", "reason": "x" }, "status": 503 });
    let wire = Wire::start(move |_, _| Act::Write(reply(503, &buckets)));
    ask(&door_to(&wire.url()), health()).await.unwrap_err();
    assert_eq!(wire.seen().len(), 1);
}

#[tokio::test]
async fn retry_after_is_kept_where_the_deadline_allows() {
    let wire = Wire::start(|_, number| {
        let headers = [("content-type", "application/json"), ("retry-after", "1")];
        if number == 0 {
            Act::Write(answer(429, &headers, rejected().to_string().as_bytes()))
        } else {
            green()
        }
    });
    let started = Instant::now();
    ask(&door_to(&wire.url()), health()).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));

    let wire = Wire::start(|_, _| {
        let headers = [("content-type", "application/json"), ("retry-after", "3600")];
        Act::Write(answer(429, &headers, rejected().to_string().as_bytes()))
    });
    let started = Instant::now();
    let reason = ask(&door_to(&wire.url()), health()).await.unwrap_err();
    assert_eq!((reason.cause, wire.seen().len()), (Cause::Overloaded, 1));
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_cluster_that_refuses_everything_bears_a_tenth_more_and_not_thrice_as_much() {
    let wire = Wire::start(|_, _| Act::Write(reply(429, &rejected())));
    let door = door_to(&wire.url());
    for n in 0..100 {
        let query = Query::call(Call::get("/_x", Proof::Whole).with("n", n.to_string()));
        door.ask(at(0), &[query]).await.remove(0).unwrap_err();
    }
    assert_eq!(wire.seen().len(), 110);
}

#[tokio::test]
async fn credentials_are_sent_as_each_scheme_spells_them() {
    let basic = Auth::Basic { username: "u".to_owned(), password: Secret::literal("p") };
    let cases = [
        (Auth::None, ""),
        (basic, "Basic dTpw"),
        (Auth::ApiKey(Secret::literal("id:key")), "ApiKey aWQ6a2V5"),
        (Auth::ApiKey(Secret::literal("aWQ6a2V5\n")), "ApiKey aWQ6a2V5"),
        (Auth::Bearer(Secret::literal("token")), "Bearer token"),
    ];
    for (auth, header) in cases {
        let wire = Wire::start(|_, _| green());
        let mut cluster = settings(&[wire.url()]);
        cluster.auth = auth;
        ask(&door(&cluster), health()).await.unwrap();
        assert_eq!(wire.seen()[0].header("authorization"), header);
    }
}

#[tokio::test]
async fn a_secret_that_was_rotated_counts_at_the_next_question() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "old").unwrap();
    let wire = Wire::start(|seen, _| {
        if seen.header("authorization") == "Bearer new" {
            green()
        } else {
            Act::Write(reply(401, &json!({})))
        }
    });
    let mut cluster = settings(&[wire.url()]);
    cluster.auth = Auth::Bearer(Secret::parse(&format!("${{file:{}}}", file.path().display())).unwrap());
    let door = door(&cluster);
    assert_eq!(ask(&door, health()).await.unwrap_err().cause, Cause::Refused);
    std::fs::write(file.path(), "new").unwrap();
    ask(&door, health()).await.unwrap();
    // A file that has gone leaves the old secret in place.
    std::fs::remove_file(file.path()).unwrap();
    door.ask(at(60), &[health()]).await.remove(0).unwrap();
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_without_their_secrets() {
    let refused = |change: &dyn Fn(&mut highwater::config::settings::Cluster)| -> ElasticError {
        let mut cluster = settings(&["http://127.0.0.1:9200".to_owned()]);
        change(&mut cluster);
        Elastic::new(&cluster, Clock::system(), &resolve()).err().unwrap()
    };
    let url = |url: &'static str| refused(&move |cluster| cluster.urls = vec![url.to_owned()]).to_string();
    for bad in ["http://u:hunter2@es:9200", "ftp://es", "es:9200", "http://es/?q=hunter2"] {
        let text = url(bad);
        assert!(text.contains("hint: ") && !text.contains("hunter2"), "{text}");
    }
    assert!(refused(&|cluster| cluster.urls.clear()).to_string().contains("has no url"));
    let token = refused(&|cluster| cluster.auth = Auth::Bearer(Secret::literal("hunter2\r\nx: y")));
    assert!(!token.to_string().contains("hunter2"), "{token}");
}
