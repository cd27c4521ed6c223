//! What stops, crashes and goes away.

use super::*;
use crate::store::{Condition, Reader};

#[tokio::test]
async fn a_stop_lets_what_is_due_arrive_and_keeps_the_rest() {
    let receiver = Receiver::by_id(|id| match id {
        "slow/1" => Reply::after(Duration::from_millis(150), 200),
        "bad/1" => Reply::status(503),
        _ => Reply::status(200),
    })
    .await;
    let delays = Delays { first: Duration::from_secs(36_000), most: Duration::from_secs(36_000), ..quick() };
    let mut bench = Bench::new(delays, vec![("hook", webhook(&receiver))]);
    bench.put("hook", &["slow/1", "slow/2", "bad/1", "bad/2"]).await;
    receiver.wait_for(1).await;
    bench.stop().await;
    let mut ids = receiver.ids();
    ids.sort_unstable();
    assert_eq!(ids, ["bad/1", "slow/1", "slow/2"]);
    assert_eq!(bench.depth("hook").await.queued, 2);
    let again = Receiver::start(|_| Reply::status(200)).await;
    let sinks = vec![("hook", webhook(&again))];
    let ready = Delays { first: Duration::from_millis(1), ..quick() };
    let next = Bench::over(bench.store.clone(), ready, sinks, SOON);
    next.put("hook", &["new/1"]).await;
    again.wait_for(1).await;
    assert_eq!(again.ids(), ["new/1"], "what was postponed is postponed after a restart too");
}

#[tokio::test]
async fn a_stop_waits_no_longer_than_it_was_told_to() {
    let receiver = Receiver::start(|_| Reply::hang()).await;
    let store = Store::in_memory(Clock::system()).unwrap();
    let mut bench = Bench::over(store, quick(), vec![("hook", webhook(&receiver))], Duration::from_secs(60));
    bench.put("hook", &["r/1"]).await;
    receiver.wait_for(1).await;
    let started = Instant::now();
    bench.lanes.take().unwrap().stop(Duration::from_millis(100)).await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(bench.depth("hook").await.queued, 1);
}

#[tokio::test]
async fn after_a_crash_the_stored_bytes_go_out_even_if_they_would_be_rendered_otherwise_now() {
    let receiver = Receiver::start(|_| Reply::status(200)).await;
    let store = Store::in_memory(Clock::system()).unwrap();
    store.commit(turn(vec![delivery("hook", "r/1")])).await.unwrap();
    let head = &store.heads("hook", Clock::system().now()).await.unwrap()[0];
    let headers = vec![("Idempotency-Key".to_owned(), "r/1".to_owned())];
    let frozen = crate::sinks::Message::Http(crate::sinks::Request {
        method: crate::sinks::Method::Post,
        path: String::new(),
        headers,
        body: "as it was".to_owned(),
    });
    store.freeze(&head.key, &frozen, None).await.unwrap();
    let bench = Bench::over(store, quick(), vec![("hook", webhook(&receiver))], SOON);
    bench.drained("hook").await;
    assert_eq!(receiver.seen()[0].body, "as it was");
}

#[tokio::test]
async fn what_the_first_attempt_sent_is_what_the_store_keeps() {
    let receiver = Receiver::start(|_| Reply::status(500)).await;
    let delays = Delays { first: Duration::from_millis(1), most: Duration::from_millis(1), ..quick() };
    let bench = Bench::new(delays, vec![("hook", webhook(&receiver))]);
    bench.put("hook", &["r/1"]).await;
    receiver.wait_for(2).await;
    let soon = Clock::system().now() + Duration::from_secs(60);
    let head = bench.store.heads("hook", soon).await.unwrap().remove(0);
    let Some(crate::sinks::Message::Http(crate::sinks::Request { body, .. })) = head.message else {
        panic!("nothing is kept")
    };
    assert_eq!(body, receiver.seen()[0].body);
}

#[tokio::test]
async fn standard_output_gets_whole_lines_in_order() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let store = Store::in_memory(Clock::system()).unwrap();
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let door = Door::new(SOON, Clock::system(), Arc::new(literal)).unwrap().with_lines_to(lines.clone());
    let (facts, _heard) = mpsc::channel(8);
    let count: Count = Arc::new(|_, _| {});
    let told: Told = Arc::new(|_| {});
    let (clock, delays) = (Clock::system(), quick());
    let office = Office { store: store.clone(), clock, door, delays, facts, count, told };
    let stdout = serde_saphyr::from_str::<sinks::Kind>("stdout: {}").unwrap().into_sink();
    let running = Lanes::open(office, [("log".to_owned(), stdout)]);
    let many = names(0..10, "r");
    store.commit(turn(many.iter().map(|id| delivery("log", id)).collect())).await.unwrap();
    let bench = Bench { store, facts: mpsc::channel(1).1, counts: Arc::default(), lanes: Some(running) };
    bench.drained("log").await;
    let text = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
    let ids: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["notification_id"].to_string())
        .collect();
    let expected: Vec<String> = many.iter().map(|id| format!("{id:?}")).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn a_reader_of_standard_output_that_is_gone_is_tried_again() {
    struct Broken;
    impl io::Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let door = Door::new(SOON, Clock::system(), Arc::new(literal)).unwrap();
    let door = door.with_lines_to(Arc::new(Mutex::new(Broken)));
    let stdout = serde_saphyr::from_str::<sinks::Kind>("stdout: {}").unwrap().into_sink();
    let verdict = door.try_out(stdout.as_ref(), &delivery("log", "r/1"), None).await.verdict;
    assert_eq!(verdict.name(), "later");
}

#[tokio::test]
async fn what_any_sink_took_is_counted_after_it_by_the_sinks_that_count() {
    let counted = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let receiver = Receiver::start(|n| if n == 0 { Reply::status(503) } else { Reply::status(200) }).await;
    let yaml = format!("statsd: {{ address: '{}' }}", counted.local_addr().unwrap());
    let sinks = vec![("hook", webhook(&receiver)), ("stats", sink(&yaml, &receiver))];
    let mut bench = Bench::new(quick(), sinks);
    bench.put("hook", &["r/1"]).await;
    bench.drained("hook").await;
    let mut got = [0; 1500];
    let length = timeout(SOON, counted.recv(&mut got)).await.unwrap().unwrap();
    assert_eq!(&got[..length], b"highwater.alerts_told.r.critical.hook:1|c");
    assert_eq!(receiver.ids().len(), 2, "only the attempt that was taken counts");
    bench.put("stats", &["r/2"]).await;
    let length = timeout(SOON, counted.recv(&mut got)).await.unwrap().unwrap();
    assert_eq!(
        &got[..length],
        b"highwater.alerts_told.r.critical.stats:1|c",
        "once, and not once more by itself"
    );
    bench.put("hook", &["r/3"]).await;
    bench.stop().await;
    let length = counted.try_recv(&mut got).unwrap();
    assert_eq!(
        &got[..length],
        b"highwater.alerts_told.r.critical.hook:1|c",
        "what was taken is counted before a stop"
    );
    assert!(counted.try_recv(&mut got).is_err());
}

#[tokio::test]
async fn a_sink_that_counts_is_known_by_what_it_took_though_it_has_no_outbox() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("highwater.db");
    let (store, _) = Store::open(&path, Clock::system()).unwrap();
    let receiver = Receiver::start(|_| Reply::status(200)).await;
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let statsd = |address: &str| sink(&format!("statsd: {{ address: \"{address}\" }}"), &receiver);
    let here = statsd(&socket.local_addr().unwrap().to_string());
    let sinks = vec![("hook", webhook(&receiver)), ("here", here), ("nowhere", statsd("no..such.host:8125"))];
    let mut bench = Bench::over(store, quick(), sinks, SOON);
    bench.put("hook", &["r/1", "r/2"]).await;
    bench.drained("hook").await;
    bench.stop().await;
    let accounts = Reader::open(&path).unwrap().accounts(Clock::system().now()).unwrap();
    let of = |name: &str| accounts.iter().find(|account| account.sink == name).unwrap();
    assert_eq!((of("here").condition, of("here").per_hour), (Condition::Working, 2));
    assert_eq!((of("nowhere").condition, of("nowhere").taken), (Condition::Failing, None));
    let why = of("nowhere").answer.as_deref().unwrap();
    assert!(why.contains("no machine of that name is known"), "{why}");
}
