//! Whom, when and not: who is told, what withholds it, and what is told when that ends.

use super::{
    own::Own,
    town::{Town, high, inhibition, route, routed, to_ear},
    world::{MINUTE, at, percent},
};
use crate::{
    config::{Routing, RuleKey},
    model::{
        Bound, Condition, Level, LevelPolicy, Number, Op, Schedule, Time,
        hours::Hours,
        maintenance::{Maintenance, When},
        schedule::CronSchedule,
        silence::{Silence, Terms},
    },
};

fn silence(texts: &[&str], from: &str, until: &str) -> Silence {
    let (reason, who) = ("patching".to_owned(), "ada".to_owned());
    Silence::new(super::town::matchers(texts), Terms { until: at(until), reason, who, created: at(from) })
}

fn routing(routes: Vec<crate::model::route::Route>) -> Routing {
    let mut routing = Routing::default();
    routing.routes = routes;
    routing
}

#[tokio::test]
async fn an_alert_goes_by_the_routes_and_its_recovery_where_it_was_told() {
    let mut warning = route(&["level=~\"warning|critical\""], &["ear"]);
    warning.goes_on = true;
    let routes = vec![warning, route(&["level=critical"], &["pager"]), route(&[], &["other"])];
    let mut rule = routed("errors");
    let critical = Condition::new(Op::Above, Bound::Value(Number::Int(20)));
    rule.policy.levels.push(LevelPolicy {
        level: Level::Critical,
        clear: critical.complement(),
        when: critical,
        ..rule.policy.levels[0].clone()
    });
    let signal = |tick: Time| {
        percent(match tick {
            tick if tick >= at("10:30") || tick < at("10:00") => 1.0,
            tick if tick >= at("10:20") => 15.0,
            tick if tick >= at("10:10") => 30.0,
            _ => 15.0,
        })
    };
    let mut town = Town::new(routing(routes), vec![(rule, std::sync::Arc::new(signal))], "09:58").await;
    town.live_until("11:00").await;
    let ear =
        ["10:00 fired warning", "10:10 raised critical", "10:20 lowered warning", "10:30 resolved warning"];
    assert_eq!(town.said_to("ear", "errors"), ear);
    let pager = ["10:10 fired critical", "10:20 lowered warning", "10:30 resolved warning"];
    assert_eq!(town.said_to("pager", "errors"), pager);
    assert_eq!(town.said_to("other", "errors"), ["10:00 fired warning", "10:30 resolved warning"]);
}

#[tokio::test]
async fn outside_its_hours_a_route_waits_and_the_default_is_told_meanwhile() {
    let by_day = Hours::parse(Some("mon-fri"), Some("08:00-18:00"), chrono_tz::UTC).unwrap();
    let routes = || {
        vec![
            crate::model::route::Route { active: Some(by_day.clone()), ..route(&[], &["ear"]) },
            route(&[], &["other"]),
        ]
    };
    let night = high(&[("06:00", "06:10"), ("07:00", "12:00"), ("17:50", "18:30")]);
    let mut town = Town::new(routing(routes()), vec![(routed("errors"), night)], "05:58").await;
    town.live_until("07:30").await;
    assert!(town.said_to("ear", "errors").is_empty());
    let told = town.told("errors").await;
    let by = &told.values().next().unwrap()["ear"].withheld.as_ref().unwrap().by;
    assert_eq!(by.words, "outside the hours of its route (mon-fri 08:00-18:00 UTC)");
    town.live_until("20:00").await;
    let ear = [
        "08:00 fired warning (told late: outside the hours of its route (mon-fri 08:00-18:00 UTC))",
        "12:00 resolved warning",
        "17:50 fired warning",
        "18:30 resolved warning",
    ];
    assert_eq!(
        town.said_to("ear", "errors"),
        ear,
        "what came and went at night is not told, a recovery at once"
    );
    let other =
        ["06:00 fired warning", "06:10 resolved warning", "07:00 fired warning", "12:00 resolved warning"];
    assert_eq!(town.said_to("other", "errors"), other);
}

#[tokio::test]
async fn what_breaks_during_maintenance_is_told_after_it_if_it_is_still_broken() {
    let begins = Schedule::Cron(CronSchedule::parse("0 10 * * *", "UTC").unwrap());
    let mut routing = to_ear();
    routing.maintenance = vec![Maintenance {
        name: "patch night".to_owned(),
        matchers: super::town::matchers(&["cluster=main", "rule=errors"]),
        when: When::Again { begins, lasts: MINUTE * 60 },
    }];
    let signal = || high(&[("09:50", "10:20"), ("10:30", "10:40"), ("10:50", "11:30")]);
    let rules = vec![(routed("errors"), signal()), (routed("another"), signal())];
    let mut town = Town::new(routing, rules, "09:45").await;
    town.live_until("10:35").await;
    assert_eq!(town.said_to("ear", "errors"), ["09:50 fired warning"]);
    town.live_until("12:00").await;
    let note = "told late: maintenance patch night until 11:00 UTC";
    let expected = [
        "09:50 fired warning".to_owned(),
        format!("11:00 resolved warning ({note})"),
        format!("11:00 fired warning ({note})"),
        "11:30 resolved warning".to_owned(),
    ];
    assert_eq!(town.said_to("ear", "errors"), expected);
    let resolved = &town.heard.iter().filter(|(.., of, _)| of == "errors").nth(1).unwrap().3;
    assert_eq!((resolved.since, resolved.at), (at("09:50"), at("10:20")), "of its own episode");
    assert_eq!(town.said_to("ear", "another").len(), 6, "nothing is withheld of others");
}

#[tokio::test]
async fn an_alert_that_ends_and_fires_again_under_a_mute_is_told_with_the_values_of_each_episode() {
    let signal = |tick: Time| {
        percent(match tick {
            tick if tick < at("10:05") => 1.0,
            tick if tick < at("10:20") => 40.0,
            tick if tick < at("10:30") => 2.0,
            _ => 60.0,
        })
    };
    let rules = vec![(routed("errors"), std::sync::Arc::new(signal) as super::world::Signal)];
    let mut town = Town::new(to_ear(), rules, "10:00").await;
    town.live_until("10:10").await;
    town.silences = vec![silence(&["rule=errors"], "10:10", "10:45")];
    town.live_until("10:50").await;
    let words = town.said_to("ear", "errors");
    assert_eq!(words.len(), 3, "{words:?}");
    let number = |change: &crate::model::notification::Change| change.value.unwrap().to_string();
    let (first, resolved, again) = (&town.heard[0].3, &town.heard[1].3, &town.heard[2].3);
    assert_eq!(resolved.episode_id, first.episode_id);
    assert_eq!((resolved.since, resolved.at, number(resolved)), (at("10:05"), at("10:20"), "2".to_owned()));
    assert_eq!((again.since, number(again)), (at("10:30"), "60".to_owned()));
    assert_ne!(again.episode_id, first.episode_id);
    assert!(words[1].ends_with("(told late: muted by ada until 10:45 UTC: patching)"), "{words:?}");
}

#[tokio::test]
async fn who_speaks_for_others_withholds_them_until_it_ends_whatever_the_order_of_looks() {
    for order in [["guard", "errors"], ["errors", "guard"]] {
        let mut routing = to_ear();
        routing.inhibit = vec![inhibition("rule=guard", "rule!=guard")];
        let rules = order.map(|id| {
            let spans: &[(&str, &str)] =
                if id == "guard" { &[("10:00", "10:30")] } else { &[("10:00", "10:40"), ("10:50", "10:55")] };
            (routed(id), high(spans))
        });
        let mut town = Town::new(routing, rules.to_vec(), "09:55").await;
        town.live_until("10:20").await;
        assert_eq!(town.said_to("ear", "guard"), ["10:00 fired warning"]);
        assert!(town.said_to("ear", "errors").is_empty(), "{order:?}: {:?}", town.said_to("ear", "errors"));
        town.restart().await;
        town.live_until("11:00").await;
        let expected = [
            "10:30 fired warning (told late: inhibited by guard on main)",
            "10:40 resolved warning",
            "10:50 fired warning",
            "10:55 resolved warning",
        ];
        assert_eq!(town.said_to("ear", "errors"), expected, "{order:?}");
    }
}

#[tokio::test]
async fn the_end_of_a_silence_is_announced_once_to_those_who_will_hear_then() {
    let mut town = Town::new(to_ear(), vec![(routed("errors"), high(&[("10:00", "11:30")]))], "09:55").await;
    town.silences = vec![silence(&[], "09:50", "11:00")];
    let id = format!("highwater-silence-ending {}", town.silences[0].id);
    town.live_until("10:40").await;
    town.engine.inspect().await;
    town.listen().await;
    assert!(town.heard.is_empty(), "twenty minutes are not soon: {:?}", town.heard);
    town.live_until("10:50").await;
    for _ in 0..3 {
        town.engine.inspect().await;
        town.listen().await;
        town.live_until(&(town.clock.now() + MINUTE).format("%H:%M").to_string()).await;
    }
    assert_eq!(town.said_to("ear", &id), ["10:50 fired info"], "though the silence matches everything");
    let cause = town.heard[0].3.cause.clone().unwrap();
    assert!(cause.contains("ada (patching) ends at 11:00 UTC") && cause.contains("1 alert waits"), "{cause}");
    assert!(town.said_to("other", &id).is_empty());
    town.live_until("11:01").await;
    town.engine.inspect().await;
    town.listen().await;
    assert_eq!(town.said_to("ear", &id), ["10:50 fired info", "11:01 resolved info"]);
    assert_eq!(
        town.said_to("ear", "errors")[0],
        "11:00 fired warning (told late: muted by ada until 11:00 UTC: patching)"
    );
}

#[tokio::test]
async fn news_of_highwater_itself_that_a_silence_withheld_are_told_when_it_ends() {
    let mut town = Town::new(to_ear(), vec![(routed("errors"), high(&[]))], "09:55").await;
    town.silences = vec![silence(&["rule=~\"highwater-.*\""], "09:50", "10:20")];
    town.live_until("10:00").await;
    town.engine.say_of_itself(Own::Late, 12, "a look started 12s late").await;
    town.live_until("10:10").await;
    assert!(town.heard.is_empty());
    town.live_until("10:21").await;
    let said = town.said_to("other", "highwater-late");
    assert_eq!(said, ["10:20 fired warning (told late: muted by ada until 10:20 UTC: patching)"]);
}

#[tokio::test]
async fn an_alert_that_came_and_went_while_it_was_withheld_is_in_the_history_with_its_cause() {
    let spans = high(&[("10:05", "10:10"), ("10:30", "10:40")]);
    let mut town = Town::new(to_ear(), vec![(routed("errors"), spans)], "09:58").await;
    town.silences = vec![silence(&["rule=errors"], "09:59", "10:20")];
    town.live_until("11:00").await;
    assert_eq!(town.said_to("ear", "errors"), ["10:30 fired warning", "10:40 resolved warning"]);
    let history = town.store.history(at("09:00")).await.unwrap();
    let shown: Vec<String> = history
        .iter()
        .map(|past| {
            let by = past.untold.iter().map(|untold| format!(" not to {}: {}", untold.sink, untold.by.words));
            format!("{}{}", past.transition.kind.name(), by.collect::<String>())
        })
        .collect();
    let muted = "not to ear: muted by ada until 10:20 UTC: patching";
    assert_eq!(shown, [&format!("fired {muted}"), &format!("resolved {muted}"), "fired", "resolved"]);
}

#[tokio::test]
async fn while_a_rule_that_may_speak_for_it_is_being_looked_at_an_alert_waits() {
    let mut routing = to_ear();
    routing.inhibit = vec![inhibition("rule=guard", "rule!=guard")];
    let rules = vec![(routed("guard"), high(&[])), (routed("errors"), high(&[("10:05", "10:30")]))];
    let mut town = Town::new(routing, rules, "09:58").await;
    town.live_until("10:04").await;
    let guard = town.rules.remove(0);
    let watch = town.engine.watch(&RuleKey::new("guard", "main")).unwrap();
    let looking = watch.lock().await;
    town.live_until("10:05").await;
    assert!(town.said_to("ear", "errors").is_empty());
    let told = town.told("errors").await;
    let by = &told.values().next().unwrap()["ear"].withheld.as_ref().unwrap().by;
    assert_eq!(by.words, "guard is looking, and may speak for it");
    drop(looking);
    town.rules.insert(0, guard);
    town.live_until("10:06").await;
    assert_eq!(town.said_to("ear", "errors"), ["10:06 fired warning"]);
}

#[tokio::test]
async fn a_route_does_not_lead_news_of_a_sink_to_that_sink() {
    let routing = routing(vec![route(&[], &["other"])]);
    let mut town = Town::new(routing, vec![(routed("errors"), high(&[]))], "09:58").await;
    let about = Own::DeadLetter { sink: "other".to_owned() };
    town.engine.say_of_itself(about, 1, "answered 400").await;
    town.live_until("10:00").await;
    assert!(town.said_to("other", "highwater-dead-letter other").is_empty());
    assert_eq!(town.said_to("ear", "highwater-dead-letter other").len(), 1);
}

#[tokio::test]
async fn an_alert_says_how_often_it_fired_before_also_after_a_restart() {
    let spans = high(&[("10:05", "10:10"), ("10:20", "10:34"), ("10:40", "10:50"), ("11:00", "11:10")]);
    let mut rule = routed("errors");
    rule.flapping = None;
    let mut town = Town::new(to_ear(), vec![(rule, spans)], "09:58").await;
    town.live_until("10:55").await;
    town.restart().await;
    town.live_until("11:20").await;
    let fired = town.heard.iter().filter(|(.., change)| change.kind == crate::model::Kind::Fired);
    let said: Vec<Option<&str>> = fired.map(|(.., change)| change.precedent.as_deref()).collect();
    let precedents = [
        None,
        Some("2nd time in 30 days, median 5m"),
        Some("3rd time in 30 days, median 5m"),
        Some("4th time in 30 days, median 10m"),
    ];
    assert_eq!(said, precedents);
    let over = town.heard.iter().filter(|(.., change)| change.kind == crate::model::Kind::Resolved);
    assert!(over.into_iter().all(|(.., change)| change.precedent.is_none()));
}
