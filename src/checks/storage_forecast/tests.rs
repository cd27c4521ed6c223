use chrono::TimeDelta;
use serde_json::json;

use super::{
    super::tests::{fixture, look, ok},
    *,
};

const GB: u64 = 1 << 30;

fn forecast() -> StorageForecast {
    StorageForecast::default()
}

/// The statistics with the disk of `n1`, of 1,000 GB, filled so far.
fn answers(used: u64) -> Vec<Result<Response, Reason>> {
    let mut stats = fixture("stats");
    for node in stats["nodes"].as_object_mut().unwrap().values_mut() {
        let used = if node["name"] == "n1" { used } else { 100 * GB };
        node["fs"]["data"] =
            json!([{ "path": "/data", "total_in_bytes": 1000 * GB, "available_in_bytes": 1000 * GB - used }]);
    }
    let settings = json!({ "persistent": { "cluster.routing.allocation.disk.watermark.high": "90%" } });
    vec![ok(stats), ok(fixture("nodes")), ok(settings)]
}

/// What is seen of `n1` after `minutes` minutes, one look every ten of them.
fn after(check: &StorageForecast, minutes: i64, used: impl Fn(i64) -> u64) -> (Finding, Memory) {
    let (mut memory, mut seen, first) = (Memory::default(), None, look());
    for minute in (0..=minutes).step_by(10) {
        let mut look = first.clone();
        look.window.end = first.window.end + TimeDelta::minutes(minute);
        let (observation, after) = check.read(&look, &answers(used(minute)), memory);
        memory = after;
        seen = Some(observation);
    }
    let Some(Observation::Seen { findings, .. }) = seen else { panic!("{seen:?}") };
    (findings[&Entity::of("node", "n1")].clone(), memory)
}

fn value(finding: &Finding) -> &Reading {
    let Finding::Value(reading) = finding else { panic!("{finding:?}") };
    reading
}

#[test]
fn a_disk_that_fills_evenly_is_full_when_it_would_be() {
    let (finding, _) = after(&forecast(), 1440, |minute| 500 * GB + minute as u64 * GB / 10);
    let reading = value(&finding);
    let hours = reading.value.as_f64() / 3600.0;
    assert!((hours - 256.0 / 6.0).abs() < 0.5, "256 GB to 900 GB at 6 GB an hour: {hours} h");
    let advice = forecast().advise(&Entity::of("node", "n1"), reading);
    assert_eq!(
        advice.cause.unwrap(),
        "it grew by 144 GB a day over the last 1d; watermark.high is reached in about 1d 18h"
    );
    assert!(advice.next_step.unwrap().starts_with("free space on n1"));
}

#[test]
fn how_sure_it_is_is_told_with_it() {
    let uneven = |minute: i64| 500 * GB + (minute as u64 * GB / 10) + ((minute * 37) % 190) as u64 * GB / 10;
    let (finding, _) = after(&forecast(), 1440, uneven);
    let reading = value(&finding);
    let cause = forecast().advise(&Entity::of("node", "n1"), reading).cause.unwrap();
    assert!(cause.contains("is reached between 1d ") && cause.ends_with(" from now"), "{cause}");
}

/// The same disk above its mark, which needs no history.
pub fn full() -> Vec<Result<Response, Reason>> {
    answers(950 * GB)
}

#[test]
fn before_a_quarter_of_the_history_nothing_is_known() {
    let growing = |minute: i64| 500 * GB + minute as u64 * GB;
    let Finding::NoData(words) = after(&forecast(), 350, growing).0 else { panic!("no data") };
    assert_eq!(words, "5h 40m recorded, 6h are needed");
    assert!(matches!(after(&forecast(), 380, growing).0, Finding::Value(_)));
}

#[test]
fn what_goes_up_and_down_or_shrinks_is_not_foretold() {
    let sawtooth = |minute: i64| 500 * GB + (minute as u64 % 120) * GB / 2;
    let shrinking = |minute: i64| 800 * GB - minute as u64 * GB / 10;
    for used in [&sawtooth as &dyn Fn(i64) -> u64, &shrinking] {
        let (finding, _) = after(&forecast(), 1440, used);
        let reading = value(&finding);
        assert_eq!((reading.value.as_f64(), reading.facts.get("earliest")), (YEAR, None));
        let cause = forecast().advise(&Entity::of("node", "n1"), reading).cause.unwrap();
        assert!(cause.starts_with("it does not provably fill"), "{cause}");
    }
}

#[test]
fn a_deleted_index_and_a_large_merge_do_not_move_it_far() {
    let steady = |minute: i64| 400 * GB + minute as u64 * GB / 10;
    let bumpy =
        |minute: i64| if (600..700).contains(&minute) { steady(minute) + 80 * GB } else { steady(minute) };
    let (even, bumpy) = (after(&forecast(), 1440, steady).0, after(&forecast(), 1440, bumpy).0);
    let (even, bumpy) = (value(&even).value.as_f64(), value(&bumpy).value.as_f64());
    assert!((even - bumpy).abs() / even < 0.15, "{even} and {bumpy}");
}

#[test]
fn a_disk_above_its_mark_reads_nothing_left_even_without_a_history() {
    let (finding, _) = after(&forecast(), 0, |_| 950 * GB);
    assert_eq!(value(&finding).value.as_f64(), 0.0);
}

#[test]
fn what_is_remembered_is_bounded_and_goes_with_its_node() {
    let check = forecast();
    let (_, memory) = after(&check, 4320, |minute| 100 * GB + minute as u64 * (GB / 100));
    let text = memory.0.to_string();
    assert!(text.len() < 3 * 96 * 24, "{} bytes of three disks", text.len());
    let (mut later, mut past) = (look(), History::of(&memory));
    later.window.end += TimeDelta::days(10);
    past.forget_before(later.window.end, check.history.0);
    assert_eq!(past, History::default());
}

#[test]
fn what_was_recorded_before_a_gap_longer_than_the_history_foretells_nothing() {
    let check = forecast();
    let (_, memory) = after(&check, 1440, |minute| 500 * GB + minute as u64 * GB / 10);
    let mut later = look();
    later.window.end += TimeDelta::minutes(1440) + TimeDelta::days(10);
    let (seen, _) = check.read(&later, &answers(650 * GB), memory);
    let Observation::Seen { findings, .. } = seen else { panic!("{seen:?}") };
    let Finding::NoData(words) = &findings[&Entity::of("node", "n1")] else { panic!("{findings:?}") };
    assert_eq!(words, "0s recorded, 6h are needed");
}

#[test]
fn settings_that_are_not_told_are_unknown_and_not_guessed() {
    let mut all = answers(500 * GB);
    all[2] = Err(Reason::new(Cause::Refused, "403"));
    let (seen, _) = forecast().read(&look(), &all, Memory::default());
    assert!(matches!(seen, Observation::Indeterminate(_)), "{seen:?}");
    all[2] = ok(json!({}));
    let (seen, _) = forecast().read(&look(), &all, Memory::default());
    assert!(seen.is_blind() && seen.to_string().contains("`watermark.high` is not known"), "{seen}");
}

#[test]
fn marks_and_histories_that_make_no_sense_are_told() {
    let complaints = |yaml: &str| serde_saphyr::from_str::<StorageForecast>(yaml).unwrap().complaints();
    assert!(complaints("{}").is_empty());
    assert!(complaints("{ mark: high }")[0].contains("watermark.high"));
    assert!(complaints("{ history: 30m }")[0].contains("`1h`"));
    assert!(complaints("{ roles: [] }")[0].contains("roles"));
}
