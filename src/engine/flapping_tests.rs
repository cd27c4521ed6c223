//! Alerts that come and go too often: said once, and once more when they settled.

use super::{
    town::{Town, high, inhibition, route, routed, to_ear},
    world::{MINUTE, at, muted, percent},
};
use crate::model::{Bound, Condition, Level, LevelPolicy, Number, Op, Time, flapping::Flapping, span};

#[tokio::test]
async fn an_alert_that_flaps_is_told_once_as_flapping_and_once_when_it_settled() {
    let mut rule = routed("errors");
    rule.flapping = Some(Flapping::default());
    let on_off = |tick: Time| (tick - at("10:00")).num_minutes().rem_euclid(4) < 2;
    let flaps = move |tick: Time| (at("10:00")..at("10:31")).contains(&tick) && on_off(tick);
    let signal = move |tick: Time| percent(if flaps(tick) || tick >= at("12:00") { 30.0 } else { 1.0 });
    let mut town = Town::new(to_ear(), vec![(rule, std::sync::Arc::new(signal))], "09:55").await;
    town.live_until("10:20").await;
    town.restart().await;
    town.live_until("13:00").await;
    let words = span::show(MINUTE * 30);
    let expected = [
        "10:00 fired warning".to_owned(),
        "10:02 resolved warning".to_owned(),
        "10:04 fired warning".to_owned(),
        "10:06 resolved warning".to_owned(),
        format!(
            "10:08 fired warning (flapping: 5 changes within 1h; told again when it got worse, or nothing changed for {words})"
        ),
        "11:00 resolved warning (settled: it flapped until 10:30)".to_owned(),
        "12:00 fired warning".to_owned(),
    ];
    assert_eq!(town.said_to("ear", "errors"), expected);
}

#[tokio::test]
async fn flapping_that_a_silence_kept_back_is_said_before_it_keeps_anything_back_itself() {
    let mut rule = routed("errors");
    rule.flapping = Some(Flapping::default());
    let signal = high(&[("10:00", "10:02"), ("10:04", "10:06"), ("10:08", "10:30")]);
    let mut town = Town::new(to_ear(), vec![(rule, signal)], "09:55").await;
    town.live_until("10:01").await;
    town.silences.push(muted("10:20", "10:01"));
    town.live_until("12:00").await;
    let said = town.said_to("ear", "errors");
    assert_eq!(said[0], "10:00 fired warning");
    assert!(said[1].starts_with("10:20 resolved warning (told late"), "{said:?}");
    assert!(
        said[2].starts_with("10:20 fired warning (") && said[2].contains("flapping: 5 changes"),
        "{said:?}"
    );
    assert_eq!(
        said[3..],
        ["11:00 resolved warning (settled: it flapped until 10:30)".to_owned()],
        "{said:?}"
    );
}

#[tokio::test]
async fn an_alert_that_settles_while_it_fires_says_so() {
    let mut rule = routed("errors");
    rule.flapping = Some(Flapping { changes: 3, ..Flapping::default() });
    let signal = high(&[("10:00", "10:02"), ("10:04", "12:00")]);
    let mut town = Town::new(to_ear(), vec![(rule, signal)], "09:55").await;
    town.live_until("12:30").await;
    let said = town.said_to("ear", "errors");
    assert!(said[2].starts_with("10:04 fired warning (flapping: 3 changes"), "{said:?}");
    assert_eq!(said[3], "10:34 reminded warning (settled: it flapped until 10:04)");
    assert_eq!(said[4..], ["12:00 resolved warning".to_owned()]);
}

#[tokio::test]
async fn an_edit_that_shows_it_anew_still_says_why_it_is_quiet() {
    let mut rule = routed("errors");
    rule.flapping = Some(Flapping { changes: 3, ..Flapping::default() });
    let mut routing = to_ear();
    routing.routes = vec![route(&[], &["pager"])];
    let signal = high(&[("10:00", "10:02"), ("10:04", "12:00")]);
    let mut town = Town::new(routing, vec![(rule, signal)], "09:55").await;
    for (until, notes) in [("10:15", 1), ("10:26", 2)] {
        town.live_until(until).await;
        town.engine.refresh().await;
        town.listen().await;
        let said = town.said_to("pager", "errors");
        let updated: Vec<&String> = said.iter().filter(|words| words.contains("updated")).collect();
        assert_eq!(updated.len(), notes, "{said:?}");
        assert!(updated.iter().all(|words| words.contains("(flapping: 3 changes within 1h;")), "{said:?}");
    }
    town.live_until("10:50").await;
    town.engine.refresh().await;
    town.listen().await;
    let said = town.said_to("pager", "errors");
    assert!(said.iter().any(|words| words.contains("settled: it flapped until 10:04")), "{said:?}");
    assert!(!said.last().unwrap().contains("flapping"), "it settled: {said:?}");
}

#[tokio::test]
async fn what_gets_worse_while_it_flaps_is_told_at_once() {
    let mut rule = routed("errors");
    rule.flapping = Some(Flapping { changes: 3, ..Flapping::default() });
    let critical = Condition::new(Op::Above, Bound::Value(Number::Int(50)));
    rule.policy.levels.push(LevelPolicy {
        level: Level::Critical,
        clear: critical.complement(),
        when: critical,
        ..rule.policy.levels[0].clone()
    });
    let signal = |tick: Time| {
        let minute = (tick - at("10:00")).num_minutes();
        percent(if minute == 9 {
            60.0
        } else if (0..20).contains(&minute) && minute % 2 == 0 {
            30.0
        } else {
            1.0
        })
    };
    let mut town = Town::new(to_ear(), vec![(rule, std::sync::Arc::new(signal))], "09:55").await;
    town.live_until("10:15").await;
    let said = town.said_to("ear", "errors");
    assert!(said.last().unwrap().contains("critical"), "{said:?}");
    let fired = said.iter().filter(|words| words.contains("fired") || words.contains("raised")).count();
    let resolved = said.iter().filter(|words| words.contains("resolved")).count();
    assert!(fired <= resolved + 2, "{said:?}");
}

#[tokio::test]
async fn that_an_alert_settled_is_told_when_nobody_speaks_for_it_whatever_the_order_of_looks() {
    for turned in [false, true] {
        let mut routing = to_ear();
        routing.inhibit = vec![inhibition("rule=guard", "rule!=guard")];
        let mut errors = routed("errors");
        errors.flapping = Some(Flapping { changes: 4, ..Flapping::default() });
        let spans = high(&[("10:30", "10:35"), ("11:00", "11:05"), ("11:15", "11:50")]);
        // at the instant at which the other has settled
        let mut rules = vec![(errors, spans), (routed("guard"), high(&[("11:45", "11:50")]))];
        if turned {
            rules.reverse();
        }
        let mut town = Town::new(routing, rules, "10:00").await;
        town.live_until("12:00").await;
        let said = town.said_to("ear", "errors");
        assert_eq!(said.len(), 6, "{said:?}");
        assert!(said[4].starts_with("11:15 fired warning (flapping"), "{said:?}");
        assert_eq!(said[5], "11:50 resolved warning (settled: it flapped until 11:15)");
    }
}
