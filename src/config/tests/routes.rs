//! Whom, when and not: what is typed, what it means, and what is said of mistakes.

use super::support::{Folder, SETTINGS, said_of_settings};
use crate::model::Level;

const RULES: &str = "\
rules:
  - id: disk
    check: { storage: {} }
    schedule: every 1m
    labels: { team: search }
";

/// The example that operators read, over the sinks of the tests.
const WHOLE: &str = r#"
routes:
  - match: ['team="search"', 'level=~"warning|critical"']
    notify: [alerts, pager]
    continue: true
    active: { days: mon-fri, hours: "08:00-18:00", timezone: Europe/Copenhagen }
  - { at_least: critical, notify: [pager] }
  - { notify: [alerts] }
maintenance:
  - { name: patch night, cron: "0 22 * * tue", for: 3h, timezone: Europe/Copenhagen, match: ['cluster="main"'] }
  - { name: move, from: 2026-03-03 22:00, to: 2026-03-04, match: [] }
inhibit:
  - { when: ['rule="elasticsearch-unreachable"'], silences: ['rule!="elasticsearch-unreachable"'], equal: [cluster] }
"#;

/// Settings without defaults, and `rest`.
fn settings(rest: &str) -> String {
    let kept: Vec<&str> = SETTINGS.lines().filter(|line| !line.starts_with("defaults")).collect();
    format!("{}\n{rest}\n", kept.join("\n"))
}

/// What is said of routes and their like.
fn said(rest: &str) -> String {
    said_of_settings(&settings(rest), &[])
}

/// What is said when the rules are loaded with them.
fn warned(rest: &str, rules: &str) -> String {
    let folder = Folder::new(&[("rules/a.yaml", rules)]);
    let text = settings(&format!("defaults: {{ clusters: [main] }}\n{rest}"));
    let settings = folder.settings(&text);
    match crate::config::load_rules(&settings) {
        Ok(loaded) => folder.shorten(&loaded.warnings.to_string()),
        Err(complaints) => folder.shorten(&complaints.to_string()),
    }
}

#[test]
fn the_whole_example_means_what_it_says() {
    let settings = Folder::new(&[]).settings(&settings(WHOLE));
    let routing = &settings.routing;
    let [first, second, default] = &routing.routes[..] else { panic!("{routing:?}") };
    assert_eq!(first.show(), "level=~\"warning|critical\", team=\"search\"");
    assert!(first.goes_on && first.active.is_some());
    assert_eq!(first.active.as_ref().unwrap().to_string(), "mon-fri 08:00-18:00 Europe/Copenhagen");
    assert_eq!((second.at_least, second.goes_on), (Some(Level::Critical), false));
    assert!(default.takes_everything());
    let open = |at: &str| {
        let windows = routing.open_windows(at.parse().unwrap());
        windows.into_iter().map(|(window, _)| window.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(open("2026-03-03T21:30:00Z"), ["patch night"]);
    assert_eq!(open("2026-03-03T22:30:00Z"), ["patch night", "move"]);
    assert_eq!(open("2026-03-04T23:59:00Z"), ["move"], "the last day is in it");
    assert!(open("2026-03-05T00:00:00Z").is_empty());
    assert_eq!(routing.inhibit.len(), 3, "and the two built-in ones");
}

#[test]
fn the_example_of_the_page_about_whom_and_when_is_valid() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/whom-and-when.md");
    let page = std::fs::read_to_string(page).unwrap();
    let example = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let sinks = "sinks: { bot: { stdout: {} }, genie: { stdout: {} }, pager: { stdout: {} }, journal: { stdout: {} } }";
    let text = format!("clusters: {{ main: {{ urls: ['http://127.0.0.1:9200'] }} }}\n{sinks}\n{example}");
    assert_eq!(Folder::new(&[]).settings(&text).routing.routes.len(), 3);
}

#[test]
fn the_built_in_inhibitions_can_be_taken_away() {
    let without = Folder::new(&[]).settings(&settings("inhibit_built_in: false"));
    assert!(without.routing.inhibit.is_empty());
    assert!(without.routing.routes.is_empty());
}

#[test]
fn a_rule_goes_by_the_routes_where_it_names_nobody_and_where_it_says_so() {
    let folder = Folder::new(&[(
        "rules/a.yaml",
        "rules:
  - { id: a, check: { storage: {} }, schedule: every 1m }
  - { id: b, check: { storage: {} }, schedule: every 1m, notify: [pager] }
  - id: c
    check: { storage: {} }
    schedule: every 1m
    notify: [pager, routes]
    levels: { critical: { when: at least 90%, notify: [routes] }, warning: at least 80% }
",
    )]);
    let settings = folder.settings(&settings(&format!("defaults: {{ clusters: [main] }}\n{WHOLE}")));
    let loaded = crate::config::load_rules(&settings).unwrap();
    let notify = |id: &str| loaded.set.rules[id].notify.clone();
    assert_eq!(notify("a"), ["routes"]);
    assert_eq!(notify("b"), ["pager"]);
    assert_eq!(notify("c"), ["pager", "routes"]);
    assert_eq!(loaded.set.rules["c"].sinks_for(Level::Critical), ["routes"]);
    assert_eq!(notify("elasticsearch-unreachable"), ["routes"]);
}

#[test]
fn every_mistake_about_whom_and_when_is_shown_where_it_is() {
    let default = "  - { notify: [alerts] }";
    let route = |route: &str| format!("routes:\n  - {route}\n{default}");
    let cases = [
        ("route_unknown_sink", route("{ match: ['team=\"a\"'], notify: [alrets] }")),
        ("route_bad_matcher", route("{ match: ['team'], notify: [pager] }")),
        ("route_bad_regex", route("{ match: ['team=~\"a(\"'], notify: [pager] }")),
        ("route_unknown_level", route("{ match: ['level=\"warn\"'], notify: [pager] }")),
        ("route_unknown_floor", route("{ at_least: crit, notify: [pager] }")),
        ("route_nobody", route("{ match: ['team=\"a\"'], notify: [] }")),
        ("route_without_notify", route("{ match: ['team=\"a\"'] }")),
        ("route_unknown_key", route("{ matches: ['team=\"a\"'], notify: [pager] }")),
        ("route_bad_hours", route("{ notify: [pager], active: { days: mon-fri, hours: 8-18 } }")),
        ("route_bad_days", route("{ notify: [pager], active: { days: weekdays } }")),
        ("route_no_hours", route("{ notify: [pager], active: { timezone: UTC } }")),
        ("route_bad_zone", route("{ notify: [pager], active: { days: mon, timezone: Mars } }")),
        ("routes_without_default", "routes:\n  - { match: ['team=\"a\"'], notify: [pager] }".to_owned()),
        ("routes_empty", "routes: []".to_owned()),
        ("routes_map", "routes: { notify: [pager] }".to_owned()),
        (
            "route_shadowed",
            format!("routes:\n{default}\n  - {{ match: ['team=\"a\"'], notify: [pager] }}\n{default}"),
        ),
        (
            "route_shadowed_by_a_floor",
            format!(
                "routes:\n  - {{ at_least: warning, notify: [pager] }}\n  - {{ at_least: critical, notify: [pager] }}\n{default}"
            ),
        ),
        (
            "routes_contradict",
            format!(
                "routes:\n  - {{ match: ['team=\"a\"'], notify: [pager] }}\n  - {{ match: ['team=\"a\"'], notify: [alerts] }}\n{default}"
            ),
        ),
        ("routes_named_but_absent", "defaults: { notify: [routes] }".to_owned()),
        (
            "maintenance_without_match",
            "maintenance: [{ name: a, cron: \"0 22 * * tue\", for: 3h }]".to_owned(),
        ),
        ("maintenance_half", "maintenance: [{ name: a, cron: \"0 22 * * tue\", match: [] }]".to_owned()),
        (
            "maintenance_bad_cron",
            "maintenance: [{ name: a, cron: \"0 25 * * *\", for: 3h, match: [] }]".to_owned(),
        ),
        ("maintenance_bad_date", "maintenance: [{ name: a, from: soon, for: 3h, match: [] }]".to_owned()),
        (
            "maintenance_backwards",
            "maintenance: [{ name: a, from: 2026-03-04, to: 2026-03-03, match: [] }]".to_owned(),
        ),
        ("inhibit_empty", "inhibit: [{ when: [], silences: ['team=\"a\"'] }]".to_owned()),
    ];
    for (name, text) in cases {
        let said = said(&text);
        assert!(said.contains("highwater.yaml"), "{name} is taken without a word: {said}");
        insta::assert_snapshot!(name, said);
    }
}

#[test]
fn a_sink_cannot_be_called_routes() {
    let said = said_of_settings(
        "clusters: { main: { urls: ['http://a'] } }\nsinks: { routes: { stdout: {} } }",
        &[],
    );
    assert!(said.contains("`routes` is no name for a sink"), "{said}");
}

#[test]
fn routes_that_differ_in_their_hours_or_that_go_on_do_not_contradict() {
    let routes = r#"
routes:
  - { match: ['team="a"'], notify: [pager], active: { days: mon-fri } }
  - { match: ['team="a"'], notify: [alerts], continue: true }
  - { match: ['team="a"'], notify: [pager] }
  - { notify: [alerts] }
"#;
    assert_eq!(Folder::new(&[]).settings(&settings(routes)).routing.routes.len(), 4);
}

#[test]
fn matchers_that_no_rule_can_fulfil_are_a_warning() {
    let routes = |matcher: &str| {
        format!("routes:\n  - {{ match: ['{matcher}'], notify: [pager] }}\n  - {{ notify: [alerts] }}\n")
    };
    for fine in [
        "team=\"search\"",
        "rule=\"disk\"",
        "cluster=~\"main|logs\"",
        "node=\"es-7\"",
        "rule=~\"highwater-.*\"",
        "check=\"storage\"",
        "level=\"critical\"",
        "label.team=~\".+\"",
        "entity.node!=\"a\"",
    ] {
        assert_eq!(warned(&routes(fine), RULES), "", "{fine}");
    }
    for vain in ["team=\"serach\"", "rule=\"dsk\"", "nod=\"es-7\"", "check=\"ratio\"", "cluster=\"mian\""] {
        let said = warned(&routes(vain), RULES);
        assert!(said.contains("no rule has alerts that this route could match"), "{vain}: {said}");
    }
    let said = warned(
        "inhibit: [{ when: ['team=\"serach\"'], silences: ['team=\"search\"'] }]",
        &format!("{RULES}    notify: [pager]\n"),
    );
    insta::assert_snapshot!("inhibit_in_vain", said);
}

#[test]
fn flapping_is_as_usual_where_nothing_is_written_and_can_be_turned_off() {
    let of = |text: &str| {
        let folder = Folder::new(&[("rules/a.yaml", &format!("{RULES}{text}"))]);
        folder
            .load()
            .map(|loaded| loaded.set.rules["disk"].flapping)
            .map_err(|complaints| folder.shorten(&complaints.to_string()))
    };
    assert_eq!(of("").unwrap(), Some(crate::model::flapping::Flapping::default()));
    assert_eq!(of("    flapping: off\n").unwrap(), None);
    let own = of("    flapping: { changes: 8, within: 2h }\n").unwrap().unwrap();
    assert_eq!((own.changes, own.settle.as_secs()), (8, 3600));
    for (text, hint) in [
        ("never", "`off`"),
        ("{ changes: 2 }", "from 3"),
        ("{ within: 0s }", "longer than nothing"),
        ("{ settle: 5 }", "`5m`"),
    ] {
        let said = of(&format!("    flapping: {text}\n")).unwrap_err();
        assert!(said.contains(hint), "{text}: {said}");
    }
}
