//! `kill -9` at any moment: nothing that was acknowledged is lost.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::*;

const PATH: &str = "HIGHWATER_TEST_KILLED";
const LANES: usize = 4;

/// Of one lane: the last tick, and the deliveries that were accepted, as acknowledged.
#[derive(Default)]
struct Acknowledged {
    tick: i64,
    settled: BTreeSet<i64>,
}

fn kills() -> usize {
    std::env::var("HIGHWATER_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(30)
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_kill_9() {
    let house = House::new();
    let mut known: [Acknowledged; LANES] = Default::default();
    let mut random = fastrand::Rng::with_seed(9);
    for _ in 0..kills() {
        run_and_kill(&house.path(), Duration::from_millis(random.u64(5..120)), &mut known);
        let store = house.open();
        for (lane, known) in known.iter_mut().enumerate() {
            check(&store, lane, known).await;
        }
        store.close().await.unwrap();
    }
    assert!(known.iter().all(|lane| lane.tick > 0 && !lane.settled.is_empty()), "the children did nothing");
    eprintln!("{} kills, {} commits", kills(), known.iter().map(|lane| lane.tick).sum::<i64>());
}

fn run_and_kill(path: &Path, after: Duration, known: &mut [Acknowledged]) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--ignored", "--exact", "--nocapture", "store::tests::kills::commit_until_killed"]);
    let mut child = child.env(PATH, path).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // the clock of the kill starts with the first acknowledgement
    let mut killer = None;
    for line in lines.by_ref().map_while(Result::ok) {
        let Some(said) = line.strip_prefix("ack ") else { continue };
        take(said, known);
        if let Some(child) = killed_later(&mut killer, &mut child, after) {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
}

fn killed_later<'a>(
    started: &mut Option<std::time::Instant>,
    child: &'a mut Child,
    after: Duration,
) -> Option<&'a mut Child> {
    let started = started.get_or_insert_with(std::time::Instant::now);
    (started.elapsed() >= after).then_some(child)
}

fn take(said: &str, known: &mut [Acknowledged]) {
    let mut words = said.split(' ');
    let (Some(what), Some(Ok(lane)), Some(Ok(n))) =
        (words.next(), words.next().map(str::parse::<usize>), words.next().map(str::parse::<i64>))
    else {
        return;
    };
    match what {
        "tick" => known[lane].tick = n,
        _ => drop(known[lane].settled.insert(n)),
    }
}

/// At least what was acknowledged, at most one turn more, and nothing in between missing.
async fn check(store: &Store, lane: usize, known: &mut Acknowledged) {
    let rule = format!("rule-{lane}");
    let stored = store.load().await.unwrap().remove(&RuleKey::new(&rule, "main")).unwrap_or_default();
    let tick = stored.watermark.map_or(0, |mark| (mark - at(0)).num_seconds());
    assert!(tick == known.tick || tick == known.tick + 1, "{rule}: {tick}, acknowledged {}", known.tick);
    if tick > 0 {
        assert_eq!(stored.memory, Memory(tick.into()), "a turn is whole");
        assert_eq!(stored.state.alerts[&node(1)].peak, Some(Number::Float(tick as f64)));
    }
    let prefix = format!("{rule}:");
    let waiting = waiting(store).await;
    let waiting: BTreeSet<i64> =
        waiting.iter().filter_map(|id| id.strip_prefix(&prefix)).map(|n| n.parse().unwrap()).collect();
    for n in 1..=tick {
        // odd ones are delivered; the last settlement may not have been acknowledged
        let settled = known.settled.contains(&n);
        assert!(!(settled && waiting.contains(&n)), "{rule}: {n} came back");
        assert!(settled || waiting.contains(&n) || n % 2 == 1 && n >= known.tick, "{rule}: {n} is lost");
        if !waiting.contains(&n) {
            known.settled.insert(n);
        }
    }
    known.tick = tick;
}

#[tokio::test]
#[ignore = "the child of `nothing_acknowledged_is_lost_by_kill_9`"]
async fn commit_until_killed() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let (store, _) = Store::open(Path::new(&path), clock()).unwrap();
    let known = store.load().await.unwrap();
    let lanes = (0..LANES).map(|lane| {
        let rule = format!("rule-{lane}");
        let mark = known.get(&RuleKey::new(&rule, "main")).and_then(|stored| stored.watermark);
        commit_on(store.clone(), lane, rule, mark.map_or(0, |mark| (mark - at(0)).num_seconds()))
    });
    futures::future::join_all(lanes).await;
}

async fn commit_on(store: Store, lane: usize, rule: String, last: i64) {
    for n in last + 1.. {
        let id = format!("{rule}:{n}");
        let written = Turn {
            memory: Memory(n.into()),
            alerts: vec![(node(1), Some(firing(n as f64)))],
            deliveries: vec![delivery(SINK, &rule, &id)],
            ..turn(&rule, n)
        };
        store.commit(written).await.unwrap();
        say(&format!("ack tick {lane} {n}\n"));
        if n % 2 == 1 {
            let key = DeliveryKey { sink: SINK.to_owned(), id };
            store.settle(&key, Settlement::Accepted { handles: BTreeMap::new() }).await.unwrap();
            say(&format!("ack settled {lane} {n}\n"));
        }
    }
}

fn say(line: &str) {
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}
