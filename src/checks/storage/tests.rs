use serde_json::json;

use super::{
    super::tests::{failed, fixture, look, observe, ok, only_reading, readings, reason, shown},
    *,
};

fn roles(roles: &[&str]) -> Storage {
    Storage { roles: roles.iter().map(|role| (*role).to_owned()).collect() }
}

fn data() -> Storage {
    Storage::default()
}

fn answers(stats: Value) -> Vec<Result<Response, Reason>> {
    vec![ok(stats), ok(fixture("nodes")), ok(fixture("settings")), ok(fixture("health"))]
}

fn unknown(seen: &Observation) -> Vec<String> {
    let Observation::Seen { findings, .. } = seen else { panic!("{seen:?}") };
    let silent = findings.iter().filter(|(_, finding)| matches!(finding, Finding::Unknown(_)));
    silent.map(|(entity, _)| entity.to_string()).collect()
}

fn others(seen: &Observation) -> Others {
    let Observation::Seen { others, .. } = seen else { panic!("{seen:?}") };
    *others
}

/// The statistics with one node's disk as it is said.
fn with_disk(name: &str, total: u64, available: u64) -> Value {
    let mut stats = fixture("stats");
    for node in stats["nodes"].as_object_mut().unwrap().values_mut().filter(|node| node["name"] == name) {
        node["fs"]["data"] =
            json!([{ "path": "/data", "total_in_bytes": total, "available_in_bytes": available }]);
    }
    stats
}

#[test]
fn one_nodes_storage_never_masks_anothers() {
    let seen = observe(&data(), &answers(with_disk("n2", 1000, 50)));
    let readings = readings(&seen);
    assert_eq!(readings.keys().collect::<Vec<_>>(), ["node=n1", "node=n2", "node=n3"]);
    assert_eq!(readings["node=n2"].value, Number::Int(95));
    assert!(readings["node=n1"].value < Number::Int(80));
}

#[test]
fn a_node_that_does_not_answer_is_unknown_alone() {
    let seen = observe(&data(), &answers(fixture("stats_one_silent")));
    assert_eq!((unknown(&seen), readings(&seen).len()), (vec!["node=n3".to_owned()], 2));
}

#[test]
fn of_several_paths_the_fullest_counts() {
    let mut stats = with_disk("n1", 1000, 500);
    for node in stats["nodes"].as_object_mut().unwrap().values_mut() {
        let paths = node["fs"]["data"].as_array_mut().unwrap();
        paths.push(json!({ "path": "/second", "total_in_bytes": 100, "available_in_bytes": 4 }));
        paths.push(json!({ "path": "/third", "total_in_bytes": 1000, "available_in_bytes": 900 }));
    }
    let seen = observe(&data(), &answers(stats));
    let reading = readings(&seen)["node=n1"];
    assert_eq!((reading.value, reading.facts.text("path")), (Number::Int(96), Some("/second")));
    assert_eq!(reading.whole, Some(Number::Int(100)));
}

#[test]
fn the_marks_are_those_that_the_node_itself_computes() {
    let seen = observe(&data(), &answers(fixture("stats")));
    let stats = fixture("stats");
    for node in stats["nodes"].as_object().unwrap().values() {
        let disk = &node["fs"]["data"][0];
        let total = disk["total_in_bytes"].as_f64().unwrap();
        let reading = readings(&seen)[&format!("node={}", node["name"].as_str().unwrap())];
        for mark in ["low", "high", "flood_stage"] {
            let field = format!(
                "{mark}_{}free_space_in_bytes",
                if mark == "flood_stage" { "" } else { "watermark_" }
            );
            let percent = 100.0 * (1.0 - disk[&field].as_f64().unwrap() / total);
            let ours = reading.marks[&format!("watermark.{mark}")].as_f64();
            assert!((ours - percent).abs() < 1e-6, "{mark}: {ours} {percent}");
        }
    }
}

#[test]
fn data_means_every_data_role_but_not_frozen_alone() {
    let plays = |own: &[&str], wanted: &str| {
        let members = json!({ "nodes": { "x": { "name": "x", "roles": own } } });
        nodes::of(&members, &json!({})).unwrap()[0].may_play(wanted)
    };
    for own in [&["data"][..], &["data_hot"], &["data_content", "master"], &["data_cold", "data_frozen"]] {
        assert!(plays(own, "data"), "{own:?}");
    }
    for own in [&["data_frozen"][..], &["data_frozen", "master"], &["master"], &[], &["database"]] {
        assert!(!plays(own, "data"), "{own:?}");
    }
    assert!(plays(&["data_frozen"], "data_frozen") && plays(&["ml", "master"], "ml"));
}

#[test]
fn a_selector_that_matches_no_node_proves_nothing() {
    let seen = observe(&roles(&["data_cold_storage"]), &answers(fixture("stats")));
    assert_eq!(reason(&seen).cause, Cause::Missing);
    assert!(
        reason(&seen)
            .text
            .starts_with("no node has the role `data_cold_storage`; the roles there are: data,")
    );
}

#[test]
fn an_absence_is_excused_while_shards_wait_or_allocation_is_restricted() {
    let judged = |settings: Value, health: Value| {
        let all = [ok(fixture("stats")), ok(fixture("nodes")), ok(settings), ok(health)];
        others(&observe(&data(), &all))
    };
    let (settings, health) = (fixture("settings"), fixture("health"));
    assert_eq!(judged(settings.clone(), health.clone()), Others::Absent);
    let mut restricted = settings.clone();
    restricted["persistent"]["cluster.routing.allocation.enable"] = json!("primaries");
    assert_eq!(judged(restricted, health.clone()), Others::Excused);
    let mut delayed = health;
    delayed["delayed_unassigned_shards"] = json!(4);
    assert_eq!(judged(settings, delayed), Others::Excused);
}

#[test]
fn without_settings_percentages_are_judged_and_nobody_is_declared_gone() {
    let refused = || failed(Cause::Refused, "answers, but refuses us (403)");
    let seen = observe(&data(), &[ok(fixture("stats")), ok(fixture("nodes")), refused(), refused()]);
    assert_eq!((readings(&seen).len(), others(&seen)), (3, Others::Excused));
    assert!(readings(&seen).values().all(|reading| reading.marks.is_empty()));
}

#[test]
fn watermarks_that_are_not_enforced_are_told_as_such() {
    let mut settings = fixture("settings");
    settings["transient"]["cluster.routing.allocation.disk.threshold_enabled"] = json!("false");
    let seen =
        observe(&data(), &[ok(fixture("stats")), ok(fixture("nodes")), ok(settings), ok(fixture("health"))]);
    assert!(shown(&data(), &seen).contains("the cluster ignores its watermarks"));
}

#[test]
fn opensearch_names_roles_only_in_the_statistics_and_has_no_headroom() {
    let file = |name: &str| ok(fixture(name));
    let all =
        [file("opensearch_stats"), file("opensearch_nodes"), file("opensearch_settings"), file("health")];
    let seen = observe(&data(), &all);
    let marks: Vec<f64> = only_reading(&seen).marks.values().map(|mark| mark.as_f64()).collect();
    assert_eq!(marks, [95.0, 90.0, 85.0]);
    let silent = json!({ "_nodes": { "total": 1, "successful": 0, "failed": 1 }, "nodes": {} });
    let seen = observe(
        &data(),
        &[ok(silent), file("opensearch_nodes"), file("opensearch_settings"), file("health")],
    );
    assert_eq!(unknown(&seen), ["node=o1"]);
}

#[test]
fn nodes_that_share_a_name_keep_apart() {
    let (mut stats, mut members) = (fixture("stats"), fixture("nodes"));
    for answer in [&mut stats, &mut members] {
        answer["nodes"].as_object_mut().unwrap().values_mut().for_each(|node| node["name"] = json!("es"));
    }
    let seen = observe(&data(), &[ok(stats), ok(members), ok(fixture("settings")), ok(fixture("health"))]);
    assert_eq!(readings(&seen).len(), 3);
    assert!(readings(&seen).keys().all(|entity| entity.starts_with("id=")));
}

#[test]
fn a_disk_that_makes_no_sense_is_that_nodes_unknown() {
    for (total, available) in [(0, 0), (100, 200)] {
        let seen = observe(&data(), &answers(with_disk("n2", total, available)));
        assert_eq!((unknown(&seen), readings(&seen).len()), (vec!["node=n2".to_owned()], 2));
    }
    let mut stats = fixture("stats");
    for node in stats["nodes"].as_object_mut().unwrap().values_mut().filter(|node| node["name"] == "n3") {
        node["fs"]["data"][0].as_object_mut().unwrap().remove("available_in_bytes");
    }
    let seen = observe(&data(), &answers(stats));
    assert_eq!(unknown(&seen), ["node=n3"]);
    assert!(shown(&data(), &seen).contains("no whole number at `available_in_bytes` of node `n3`"));
}

#[test]
fn bytes_above_two_to_the_53_are_exact() {
    let total = (1_u64 << 60) + 1;
    let seen = observe(&data(), &answers(with_disk("n1", total, (1 << 59) + 1)));
    let reading = readings(&seen)["node=n1"];
    assert_eq!(reading.facts.count("total_bytes"), Some(total));
    assert_eq!(reading.whole, Some(Number::Int((1 << 60) + 1)));
}

#[test]
fn roles_that_name_nobody_are_complained_about() {
    assert_eq!(roles(&[]).complaints().len(), 1);
    assert_eq!(roles(&["data", " "]).complaints().len(), 1);
    assert!(data().complaints().is_empty());
    assert!(look().timeout.as_secs() > 8);
}

#[test]
fn what_people_read() {
    let check = data();
    let mut text = shown(&check, &observe(&check, &answers(fixture("stats_one_silent"))));
    let size = 400 << 30;
    for percent_free in [13, 8, 3] {
        let seen = observe(&check, &answers(with_disk("n2", size, size / 100 * percent_free)));
        let Observation::Seen { mut findings, others } = seen else { panic!() };
        findings.retain(|entity, _| entity.get("node") == Some("n2"));
        text.push_str(&shown(&check, &Observation::Seen { findings, others }));
    }
    insta::assert_snapshot!(text);
}
