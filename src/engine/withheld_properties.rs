//! Whatever withholds, for however long and in whatever order: nothing is lost, nothing is told twice, and no alert changes.

use std::{collections::BTreeMap, sync::Arc};

use futures::FutureExt;
use proptest::{prelude::*, test_runner::TestCaseError};

use super::{
    hamlet::Hamlet,
    town::{Heard, Town, inhibition, matchers, route, routed},
    watch::ToldBySink,
    world::{at, percent},
};
use crate::{
    config::{Routing, Rule},
    engine::world::Signal,
    model::{
        Alert, Bound, Condition, Entity, Kind, Level, LevelPolicy, Number, Op, Time,
        flapping::Flapping,
        hours::Hours,
        identity,
        maintenance::{Maintenance, When},
        notification::Change,
        route::Route,
        silence::{Silence, Terms},
    },
};

const ROUND: std::time::Duration = std::time::Duration::from_secs(300);
const RULES: [&str; 2] = ["guard", "errors"];
const SINKS: [&str; 2] = ["ear", "other"];

/// So long after its tick a rule is looked at.
const LAG: std::time::Duration = std::time::Duration::from_secs(7);

/// Nothing, a warning, a warning that was critical stays so, critical.
const VALUES: [f64; 4] = [1.0, 12.0, 18.0, 30.0];

/// A time of two hours, in rounds.
const BUSY: usize = 24;

fn round(n: usize) -> Time {
    at("10:00") + ROUND * u32::try_from(n).unwrap()
}

/// From one round to another.
type Stretch = (usize, usize);

#[derive(Clone, Debug)]
struct Case {
    /// How high each rule is, by rounds; the last one of `errors` lasts.
    high: [Vec<usize>; 2],
    silences: Vec<(Vec<&'static str>, Stretch)>,
    maintenance: Vec<Stretch>,
    inhibits: bool,
    /// `ear` is told only after this round.
    awake: Option<usize>,
    flapping: bool,
    restart: usize,
}

fn stretch() -> impl Strategy<Value = Stretch> {
    (0..BUSY, 1..10_usize).prop_map(|(from, length)| (from, (from + length).min(BUSY)))
}

fn case() -> impl Strategy<Value = Case> {
    let high = || prop::collection::vec(0..VALUES.len(), BUSY);
    let whom = prop::sample::select(vec![
        vec!["rule=errors"],
        vec!["cluster=main"],
        vec!["level=warning", "rule!=guard"],
        vec![],
    ]);
    let silences = prop::collection::vec((whom, stretch()), 0..3);
    let maintenance = prop::collection::vec(stretch(), 0..2);
    let rest = (any::<bool>(), prop::option::of(0..BUSY), any::<bool>(), 0..BUSY);
    (high(), high(), silences, maintenance, rest).prop_map(
        |(guard, errors, silences, maintenance, (inhibits, awake, flapping, restart))| Case {
            high: [guard, errors],
            silences,
            maintenance,
            inhibits,
            awake,
            flapping,
            restart,
        },
    )
}

impl Case {
    /// The same rules, of which nothing is withheld.
    fn in_the_open(&self) -> Self {
        Self {
            silences: Vec::new(),
            maintenance: Vec::new(),
            inhibits: false,
            awake: None,
            flapping: false,
            ..self.clone()
        }
    }

    fn routing(&self) -> Routing {
        let mut routing = Routing::default();
        let hours = self.awake.map(|from| {
            let hours = format!("{}-24:00", round(from).format("%H:%M"));
            Hours::parse(None, Some(&hours), chrono_tz::UTC).unwrap()
        });
        routing.routes =
            vec![Route { active: hours, goes_on: true, ..route(&[], &["ear"]) }, route(&[], &["other"])];
        routing.maintenance = self
            .maintenance
            .iter()
            .map(|(from, to)| Maintenance {
                name: "work".to_owned(),
                matchers: matchers(&["rule=errors"]),
                when: When::Once { from: round(*from), to: round(*to) },
            })
            .collect();
        routing.inhibit =
            self.inhibits.then(|| inhibition("rule=guard", "rule!=guard")).into_iter().collect();
        routing
    }

    fn silences(&self) -> Vec<Silence> {
        let silence = |(texts, (from, to)): &(Vec<&str>, Stretch)| {
            let (reason, who) = ("work".to_owned(), "ada".to_owned());
            // it is written when it begins
            let terms = Terms { until: round(*to), reason, who, created: round(*from) };
            Silence::new(matchers(texts), terms)
        };
        self.silences.iter().map(silence).collect()
    }

    fn rules(&self, order: [usize; 2]) -> Vec<(Rule, Signal)> {
        let rule = |n: usize| {
            let mut rule = routed(RULES[n]);
            rule.timing.schedule = crate::model::Schedule::Every(ROUND);
            rule.timing.while_unsettled = crate::model::Schedule::Every(ROUND);
            rule.flapping = Some(Flapping { changes: 4, ..Flapping::default() }).filter(|_| self.flapping);
            rule.policy.levels.push(critical());
            let (high, rule_after) = (self.high[n].clone(), RULES[n] == "errors");
            let signal = move |tick: Time| {
                let n = usize::try_from((tick - at("10:00")).num_minutes() / 5).unwrap_or(0);
                // whoever speaks for others ends with the busy time
                let after = if rule_after { *high.last().unwrap() } else { 0 };
                percent(VALUES[high.get(n).copied().unwrap_or(after)])
            };
            (rule, Arc::new(signal) as Signal)
        };
        order.map(rule).to_vec()
    }
}

fn critical() -> LevelPolicy {
    let [when, clear] = [(Op::Above, 20), (Op::Below, 15)]
        .map(|(op, value)| Condition::new(op, Bound::Value(Number::Int(value))));
    let (fire_after, recover_after) = Default::default();
    LevelPolicy { level: Level::Critical, when, clear, fire_after, recover_after }
}

/// Where rules live: with a store, or without.
trait Place {
    async fn round(&mut self, silences: Vec<Silence>);
    async fn restart(&mut self);
    /// What was told of a rule, and its alerts.
    async fn of(&self, rule: &str) -> (ToldBySink, BTreeMap<Entity, Alert>);
    fn heard(&self) -> &[Heard];
}

impl Place for Town {
    async fn round(&mut self, silences: Vec<Silence>) {
        self.silences = silences;
        self.live_a_round().await;
    }

    async fn restart(&mut self) {
        self.restart().await;
    }

    async fn of(&self, rule: &str) -> (ToldBySink, BTreeMap<Entity, Alert>) {
        (self.told(rule).await, self.alerts(rule).await)
    }

    fn heard(&self) -> &[Heard] {
        &self.heard
    }
}

impl Place for Hamlet {
    async fn round(&mut self, silences: Vec<Silence>) {
        self.silences = silences;
        self.live_a_round();
    }

    async fn restart(&mut self) {
        self.restart();
    }

    async fn of(&self, rule: &str) -> (ToldBySink, BTreeMap<Entity, Alert>) {
        (self.told(rule), self.alerts(rule))
    }

    fn heard(&self) -> &[Heard] {
        &self.heard
    }
}

async fn town(case: &Case, order: [usize; 2]) -> Town {
    let mut town = Town::new(case.routing(), case.rules(order), "10:00").await;
    town.step = ROUND;
    town.clock.turn_to(at("10:00") + LAG);
    town
}

fn hamlet(case: &Case, order: [usize; 2]) -> Hamlet {
    let mut hamlet = Hamlet::new(case.routing(), case.rules(order), "10:00", ROUND);
    hamlet.now += LAG;
    hamlet
}

/// The alerts after every round, and what each sink heard of each rule, and when.
type Lived = (Vec<BTreeMap<Entity, Alert>>, Vec<Vec<(Time, Change)>>);

async fn live(case: &Case, mut place: impl Place) -> Result<Lived, TestCaseError> {
    let all = case.silences();
    let keys = RULES.map(|rule| identity::alert_key(rule, "main", &Entity::empty()));
    let mut alerts = Vec::new();
    // half an hour after the busy time everything has ended, and what flapped has settled
    for n in 1..BUSY + 10 {
        let now = round(n);
        place.round(all.iter().filter(|silence| silence.created <= now).cloned().collect()).await;
        if n == case.restart {
            place.restart().await;
        }
        for (rule, key) in RULES.iter().zip(&keys) {
            let (told, open) = place.of(rule).await;
            conserves(&told, &open, (rule, key), n)?;
            alerts.push(open);
        }
    }
    for rule in RULES {
        let withheld = place.of(rule).await.0.into_values().flat_map(BTreeMap::into_values);
        prop_assert_eq!(withheld.filter(|told| told.withheld.is_some() || told.flapping).count(), 0);
    }
    let heard = place.heard();
    let all = SINKS.iter().flat_map(|sink| RULES.iter().map(move |rule| whole(heard, sink, rule))).collect();
    for sink in SINKS {
        for rule in RULES {
            takes_turns(heard, sink, rule)?;
        }
    }
    Ok((alerts, all))
}

fn whole(heard: &[Heard], sink: &str, rule: &str) -> Vec<(Time, Change)> {
    let heard = heard.iter().filter(|(to, _, of, _)| to == sink && of == rule);
    heard.map(|(_, now, _, change)| (*now, change.clone())).collect()
}

/// What a sink believes is what there is, or the difference is withheld and says by what: one of the two, always.
fn conserves(
    told: &ToldBySink,
    alerts: &BTreeMap<Entity, Alert>,
    (rule, key): (&str, &str),
    n: usize,
) -> Result<(), TestCaseError> {
    let entity = Entity::empty();
    let alert = alerts.get(&entity).and_then(|alert| Some((alert.since?, alert.level?)));
    let open = alert.map(|(since, level)| (identity::episode_id(key, since), level));
    for sink in SINKS {
        let row = told.get(&entity).and_then(|sinks| sinks.get(sink));
        let believed: Option<(String, Level)> =
            row.and_then(|row| Some((row.episode_id.clone(), row.level?)));
        let withheld = row.and_then(|row| row.withheld.as_ref());
        prop_assert_eq!(
            believed != open,
            withheld.is_some(),
            "round {}, {} of {}: believes {:?}, is {:?}, {:?}",
            n,
            sink,
            rule,
            believed,
            open,
            withheld
        );
        prop_assert!(withheld.is_none_or(|withheld| !withheld.by.words.is_empty()));
    }
    Ok(())
}

/// Fired and resolved by turns, and reminders only in between: a recovery exactly where it was told that it fires.
fn takes_turns(heard: &[Heard], sink: &str, rule: &str) -> Result<(), TestCaseError> {
    let mut open: Option<String> = None;
    let mut ids = std::collections::BTreeSet::new();
    for (.., change) in heard.iter().filter(|(to, _, of, _)| to == sink && of == rule) {
        prop_assert!(ids.insert(change.event_id.clone()), "told twice: {change:?}");
        match change.kind {
            Kind::Fired => {
                prop_assert_eq!(&open, &None);
                open = Some(change.episode_id.clone());
            }
            Kind::Resolved => prop_assert_eq!(open.take(), Some(change.episode_id.clone())),
            _ => prop_assert_eq!(open.as_ref(), Some(&change.episode_id)),
        }
    }
    Ok(())
}

/// Each lives through two hours of three worlds: in CI as many as fit into some twenty seconds of one core.
fn many() -> ProptestConfig {
    with_cases(asked().unwrap_or(600))
}

/// The same with a store, which costs six times as much.
fn few() -> ProptestConfig {
    with_cases(asked().map_or(20, |cases| (cases / 1000).max(20)))
}

/// Without a store nothing is waited for.
fn live_now(case: &Case, order: [usize; 2]) -> Result<Lived, TestCaseError> {
    live(case, hamlet(case, order)).now_or_never().unwrap()
}

fn asked() -> Option<u32> {
    std::env::var("HIGHWATER_CASES").ok().and_then(|cases| cases.parse().ok())
}

fn with_cases(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(many())]
    #[test]
    fn suppression_conserves_and_changes_no_alert_in_any_order_of_rules(case in case()) {
        let (alerts, heard) = live_now(&case, [0, 1])?;
        let (same, again) = live_now(&case, [1, 0])?;
        prop_assert_eq!(&alerts, &same);
        prop_assert_eq!(heard, again, "the order of rules");
        let (open, _) = live_now(&case.in_the_open(), [0, 1])?;
        prop_assert_eq!(alerts, open, "what is withheld changes no alert");
    }
}

proptest! {
    #![proptest_config(few())]
    #[test]
    fn a_store_and_an_engine_around_it_tell_the_same(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let lived = runtime.block_on(async { live(&case, town(&case, [0, 1]).await).await })?;
        let turned = runtime.block_on(async { live(&case, town(&case, [1, 0]).await).await })?;
        prop_assert_eq!(&lived, &turned, "the order of rules");
        prop_assert_eq!(lived, live_now(&case, [0, 1])?, "with a store and without");
    }
}
