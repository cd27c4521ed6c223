//! Whom, when and not, as people ask for it: routes, silences and their ends.

use serde_json::Value;

use highwater::{clock::Clock, store::Store};

use super::{
    Place,
    double::{self, Mood},
};

const SETTINGS: &str = r#"
sinks: { log: { stdout: {} }, bot: { stdout: {} }, pager: { stdout: {} } }
routes:
  - { match: ['team="search"', 'level=~"warning|critical"'], notify: [bot], continue: true }
  - { match: ['service="api"'], at_least: critical, notify: [pager] }
  - { match: ['team="shop"'], notify: [pager] }
  - { notify: [log] }
"#;

fn rules() -> String {
    let rule = |id: &str, rest: &str| {
        format!(
            "  - id: {id}
    check: {{ ratio: {{ index: hot-60-of-100, time_field: \"@timestamp\", window: 15m, numerator: \"code:500\", per: [service] }} }}
    schedule: every 1m
    levels: {{ warning: above 10%, critical: above 50% }}
    no_data: keep
{rest}"
        )
    };
    let (search, shop) =
        (rule("http-5xx", "    labels: { team: search }\n"), rule("carts", "    labels: { team: shop }\n"));
    format!("rules:\n{search}{shop}{}", rule("own", "    notify: [pager]\n"))
}

/// A place whose store a daemon made.
async fn place() -> Place {
    let place = Place::new(&double::start(Mood::Well), &rules(), SETTINGS);
    let (store, _) = Store::open(&place.path("var/highwater.db"), Clock::system()).unwrap();
    store.close().await.unwrap();
    place
}

#[tokio::test]
async fn routes_are_listed_and_the_way_of_an_alert_is_explained() {
    let place = place().await;
    let listed = place.run(&["routes"]);
    assert_eq!(listed.code, 0, "{listed:?}");
    for words in [
        "level=~\"warning|critical\", team=\"search\"",
        "goes on",
        "everything",
        "while rule=\"elasticsearch-unreachable\" fires",
    ] {
        assert!(listed.out.contains(words), "{words}: {}", listed.out);
    }
    let said = place.run(&["routes", "explain", "http-5xx", "--level", "warning", "--entity", "service=api"]);
    assert_eq!(said.code, 0, "{said:?}");
    let expected = "http-5xx on main, warning, service=api
  1 level=~\"warning|critical\", team=\"search\": tells bot, and goes on
  2 service=\"api\", at least critical: no, it is below critical
  3 team=\"shop\": no, its team is search
  4 everything: tells log
  told: bot, log
  it does not flap now; 5 changes within 1h would be damped until nothing changed for 30m
  nothing withholds it now
";
    assert_eq!(said.out, expected);
    let said = place.run(&["routes", "explain", "http-5xx", "--entity", "service=api"]);
    assert!(
        said.out.contains("critical, service=api") && said.out.contains("told: bot, pager\n"),
        "{}",
        said.out
    );
    assert!(said.out.contains("4 everything: not asked"), "{}", said.out);
    let said = place.run(&["routes", "explain", "own", "--level", "critical"]);
    assert!(said.out.contains("its rule names pager\n  told: pager\n"), "{}", said.out);
    assert_eq!(place.run(&["routes", "explain", "http-5x"]).code, 64);
    assert_eq!(place.run(&["routes", "explain", "own", "--cluster", "mian"]).code, 64);
}

#[tokio::test]
async fn a_silence_by_matchers_is_explained_listed_prolonged_and_ended_by_its_id() {
    let place = place().await;
    let asked = [
        "mute",
        "--match",
        "team=\"search\"",
        "--match",
        "level!=critical",
        "--for",
        "2h",
        "--reason",
        "a move",
        "--owner",
        "ada",
    ];
    let said = place.run(&asked);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("muted level!=\"critical\", team=\"search\" until"), "{said:?}");
    let json: Value = serde_json::from_str(&place.run(&["silences", "--format", "json"]).out).unwrap();
    let id = json["silences"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(json["silences"][0]["who"], "ada");
    assert!(said.out.contains(&format!("`highwater unmute {id}` ends it before")), "{said:?}");
    assert_eq!(place.run(&asked).code, 0);
    let listed = place.run(&["silences"]);
    assert_eq!(listed.out.matches(&id).count(), 1, "asking again prolongs it: {}", listed.out);
    assert!(listed.out.contains("ada") && listed.out.contains("a move"), "{}", listed.out);
    let explain = |level| place.run(&["routes", "explain", "http-5xx", "--level", level]).out;
    assert!(explain("warning").contains("withheld now: muted by ada until"), "{}", explain("warning"));
    assert!(explain("critical").contains("nothing withholds it now"), "{}", explain("critical"));
    let ended = place.run(&["unmute", &id]);
    assert_eq!(ended.out, "level!=\"critical\", team=\"search\" is told again\n");
    assert_eq!(place.run(&["silences"]).out, "nothing is muted\n");
}

#[tokio::test]
async fn a_silence_of_everything_asks_and_one_of_nobody_warns() {
    let place = place().await;
    let mute = |more: &[&str]| place.run(&[&["mute", "--for", "1h", "--reason", "x"], more].concat());
    for everything in
        ["rule=~\".*\"", "cluster=main", "level=~\"info|warning|critical\"", "service!=\"none\""]
    {
        let said = mute(&["--match", everything]);
        assert_eq!(said.code, 64, "{everything}: {said:?}");
        assert!(
            said.err.contains("matches every alert there is") && said.err.contains("`--yes`"),
            "{said:?}"
        );
    }
    assert_eq!(place.run(&["silences"]).out, "nothing is muted\n");
    assert_eq!(mute(&["--match", "cluster=main", "--yes"]).code, 0);
    for (asked, warning) in [
        (&["--match", "team=serach"][..], "no rule has alerts that could match team=\"serach\""),
        (&["http-5xx", "serivce=api"], "no rule has alerts that could match"),
        (&["http-5xx", "service=apy"], "nobody knows service=apy yet"),
    ] {
        let said = mute(asked);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.out.contains("warning") && said.out.contains(warning), "{said:?}");
        assert!(said.out.contains("\nmuted "), "it is done all the same: {said:?}");
    }
    assert_eq!(mute(&[]).code, 64, "somebody has to be meant");
    assert_eq!(mute(&["--match", "team"]).code, 64);
    assert_eq!(mute(&["--match", "team=~\"a(\""]).code, 64);
}

#[tokio::test]
async fn a_rule_alone_ends_whatever_is_muted_of_it() {
    let place = place().await;
    for asked in [&["carts"][..], &["carts", "service=api"], &["http-5xx"]] {
        assert_eq!(place.run(&[&["mute", "--for", "1h", "--reason", "x"], asked].concat()).code, 0);
    }
    let said = place.run(&["unmute", "carts"]);
    assert!(
        said.out.contains("carts is told again\n")
            && said.out.contains("carts for service=api is told again\n"),
        "{said:?}"
    );
    assert!(place.run(&["silences"]).out.contains("http-5xx"));
    assert_eq!(place.run(&["unmute", "cart"]).code, 64);
}

#[test]
fn routes_that_nobody_can_reach_stop_a_start_and_say_where() {
    let settings =
        SETTINGS.replace("continue: true", "continue: false").replace("team=\"shop\"", "team=\"search\"");
    let settings = settings.replace(", 'level=~\"warning|critical\"'", "");
    let place = Place::new("http://127.0.0.1:9", &rules(), &settings);
    let said = place.run(&["validate"]);
    assert_eq!(said.code, 78, "{said:?}");
    assert!(
        said.err.contains("this route contradicts route 1") && said.err.contains("highwater.yaml:"),
        "{said:?}"
    );
}
