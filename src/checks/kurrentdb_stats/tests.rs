use serde_json::{Value, json};

use super::{
    super::http::tests::answer,
    super::tests::{failed, observe, only_reading, readings, shown},
    *,
};
use crate::model::Number;

/// In groups, as `GET /stats` of version 25 answers.
pub fn stats() -> Value {
    json!({
        "proc": {
            "startTime": "2026-11-20T10:13:26.8281750Z", "id": 1, "mem": 1_318_648_832_i64, "cpu": 2.44,
            "threadsCount": 10, "contentionsRate": 0.9, "thrownExceptionsRate": 0.0,
            "diskIo": { "readBytes": 1, "writtenBytes": 2, "readOps": 3, "writeOps": 4 },
            "tcp": { "connections": 0, "receivingSpeed": 0.0, "measureTime": "00:00:19.0534210" },
            "gc": { "allocationSpeed": 0.0, "gen0ItemsCount": 8, "timeInGc": 0.0 },
        },
        "sys": {
            "cpu": 12.0, "loadavg": { "1m": 9.0, "5m": 4.0, "15m": 2.0 },
            "freeMem": 1_073_741_824_i64, "totalMem": 17_179_869_184_i64,
            "drive": { "/var/lib/kurrentdb": {
                "availableBytes": 100_000_000_000_i64, "totalBytes": 1_000_000_000_000_i64, "usage": 90,
                "usedBytes": 900_000_000_000_i64,
            } },
        },
        "es": { "checksum": 1_613_144_i64, "checksumNonFlushed": 1_613_144_i64, "queue": {
            "MainQueue": { "queueName": "MainQueue", "groupName": "", "length": 17, "idleTimePercent": 99.9,
                "currentItemProcessingTime": null, "inProgressMessage": "<none>" },
        } },
    })
}

/// Flat, as older versions and the server's own stream have it: usage is text, memory and load are not told.
pub fn flat() -> Value {
    json!({
        "proc-id": 5465, "sys-cpu": 100.0, "sys-freeMem": 1_073_741_824_i64,
        "sys-drive-/System/Volumes/Data-usage": "72%",
        "es-queue-MainQueue-length": 3, "es-queue-MainQueue-queueName": "MainQueue",
    })
}

fn check(more: &str) -> KurrentdbStats {
    serde_saphyr::from_str(&format!("{{ nodes: [\"https://n1:2113\"], {more} }}")).unwrap()
}

fn seen(more: &str, body: Value) -> Observation {
    observe(&check(more), &[answer(200, body)])
}

fn unknown(observation: &Observation) -> String {
    let Observation::Seen { findings, .. } = observation else { panic!("{observation:?}") };
    findings.values().next().and_then(Finding::unknown).expect("an unknown node").text.clone()
}

#[test]
fn load_memory_and_drive_are_read_in_both_forms() {
    assert_eq!(only_reading(&seen("measure: load, cores: 4", stats())).value, Number::Float(2.25));
    assert_eq!(only_reading(&seen("measure: memory", stats())).value, Number::Float(93.8));
    assert_eq!(only_reading(&seen("measure: memory, total_memory: 2GB", flat())).value, Number::Float(50.0));
    let drives = seen("measure: drive", stats());
    assert_eq!(readings(&drives).keys().collect::<Vec<_>>(), ["drive=/var/lib/kurrentdb,node=n1:2113"]);
    assert_eq!(only_reading(&drives).value, Number::Float(90.0));
    assert_eq!(only_reading(&seen("measure: drive", flat())).value, Number::Int(72));
}

#[test]
fn any_number_is_found_by_its_name() {
    for body in [stats(), flat()] {
        let read = only_reading(&seen("stat: es-queue-MainQueue-length", body)).value;
        assert!(read == Number::Int(17) || read == Number::Int(3));
    }
    assert_eq!(unknown(&seen("stat: proc-nothing", stats())), "its stats have no `proc-nothing`");
    let text = seen("stat: es-queue-MainQueue-queueName", stats());
    assert!(unknown(&text).ends_with("is no number"));
}

#[test]
fn what_cannot_be_is_not_believed() {
    for (more, path, value) in [
        ("measure: load, cores: 4", "/sys/loadavg/1m", json!(-1)),
        ("measure: load, cores: 4", "/sys/loadavg/1m", json!(null)),
        ("measure: memory", "/sys/freeMem", json!(99_179_869_184_i64)),
        ("measure: memory", "/sys/totalMem", json!(0)),
        ("measure: drive", "/sys/drive/~1var~1lib~1kurrentdb/availableBytes", json!(-1)),
        ("measure: drive", "/sys/drive", json!({})),
    ] {
        let mut body = stats();
        *body.pointer_mut(path).unwrap() = value;
        assert!(!unknown(&seen(more, body)).is_empty(), "{path}");
    }
}

#[test]
fn a_node_that_does_not_answer_does_not_hide_the_others() {
    let check: KurrentdbStats =
        serde_saphyr::from_str("{ nodes: [\"http://n1:2113\", \"http://n2:2113\"], measure: memory }")
            .unwrap();
    let refused = failed(Cause::Refused, "answers, but refuses us (401)");
    let seen = observe(&check, &[answer(200, stats()), refused]);
    assert_eq!(readings(&seen).keys().collect::<Vec<_>>(), ["node=n1:2113"]);
    assert!(!seen.is_blind());
}

#[test]
fn who_is_gone_is_absent_unless_somebody_did_not_answer() {
    let check: KurrentdbStats =
        serde_saphyr::from_str("{ nodes: [\"http://n1:2113\", \"http://n2:2113\"], measure: drive }")
            .unwrap();
    let others = |second: Result<Response, Reason>| match observe(&check, &[answer(200, stats()), second]) {
        Observation::Seen { others, .. } => others,
        other => panic!("{other:?}"),
    };
    assert_eq!(others(answer(200, stats())), Others::Absent);
    assert_eq!(others(failed(Cause::Unreachable, "refuses connections")), Others::Untouched);
    assert_eq!(check.groups(), ["node", "drive"]);
}

#[test]
fn what_cannot_work_is_complained_about() {
    for (more, words) in [
        ("timeout: 5s", "nothing is measured"),
        ("measure: load", "needs the number"),
        ("measure: load, cores: 0", "needs the number"),
        ("measure: drive, cores: 2", "`cores` is for"),
        ("measure: drive, stat: proc-mem", "keep one"),
        ("measure: drive, total_memory: 2GB", "`total_memory` is for"),
    ] {
        let complaints = check(more).complaints().join("; ");
        assert!(complaints.contains(words), "{more}: {complaints}");
    }
}

#[test]
fn what_people_read() {
    let mut text = String::new();
    for more in
        ["measure: load, cores: 4", "measure: memory", "measure: drive", "stat: es-queue-MainQueue-length"]
    {
        text += &shown(&check(more), &seen(more, stats()));
    }
    insta::assert_snapshot!(text);
}
