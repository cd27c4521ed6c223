//! The imported rules, judged by the real engine over the past: its clock is turned from look to look.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use highwater::{
    clock::Clock,
    config,
    engine::{Engine, doors::Doors, evaluate::evaluate, start::reveal},
    store::Store,
};

use super::documents;

/// For each rule and group, the windows' ends at which its alert was up.
pub type Ours = BTreeMap<String, BTreeMap<String, BTreeSet<DateTime<Utc>>>>;

/// Windows are judged 30 s after their end, and a little later for the offset.
const AFTER: Duration = Duration::from_secs(40);

pub async fn relive(folder: &Path) -> Ours {
    let settings = config::load_with(&[folder.join("highwater.yaml")], &[], &BTreeMap::new(), false);
    let mut settings = settings.unwrap_or_else(|complaints| panic!("{}", complaints.render(false)));
    settings.rules = vec![folder.join("rules")];
    let loaded =
        config::load_rules(&settings).unwrap_or_else(|complaints| panic!("{}", complaints.render(false)));
    let mut set = loaded.set;
    set.rules.retain(|_, rule| rule.source.file.is_some());
    let clock = Clock::standing_at(documents::start());
    let store = Store::in_memory(clock.clone()).unwrap();
    let doors = Doors::open(&settings, &clock, &reveal()).unwrap();
    let engine = Engine::new(Arc::new(settings), set, store.clone(), doors, clock.clone());
    engine.take_up(store.load().await.unwrap(), 0).await.unwrap();
    let mut ours = Ours::new();
    for minute in 0..=documents::MINUTES {
        clock.turn_to(documents::start() + TimeDelta::minutes(minute) + AFTER);
        look(&engine, &mut ours).await;
    }
    ours
}

/// All that is due, at once.
async fn look(engine: &Engine, ours: &mut Ours) {
    let looks = engine.watches().into_iter().map(|watch| async move {
        let mut watch = watch.lock().await;
        let before = watch.judged;
        evaluate(engine, &mut watch).await.unwrap();
        let judged = watch.judged.filter(|judged| before != Some(*judged));
        assert!(watch.state.blind.rule.is_none(), "`{}` is blind: {:?}", watch.key.rule, watch.state.blind);
        let up = watch.state.alerts.iter().filter(|(_, alert)| alert.highest_up().is_some());
        let up: Vec<String> =
            up.map(|(entity, _)| group(entity.to_string(), &watch.rule.check.groups())).collect();
        (watch.key.rule.clone(), judged, up)
    });
    for (rule, judged, up) in join_all(looks).await {
        let Some(at) = judged else { continue };
        let groups = ours.entry(rule).or_default();
        for group in up {
            groups.entry(group).or_default().insert(at);
        }
    }
}

/// `user=u1,service=pay` as ElastAlert writes it: the values, in the order of the keys.
fn group(entity: String, keys: &[String]) -> String {
    let labels: BTreeMap<&str, &str> = entity.split(',').filter_map(|label| label.split_once('=')).collect();
    let values = keys.iter().filter_map(|key| labels.get(key.as_str()).copied());
    values.collect::<Vec<_>>().join(",")
}
