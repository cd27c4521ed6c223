//! Who is told of an alert.

use crate::{
    config::routing::ROUTES,
    engine::{own, tell::Telling, watch::Watch},
    model::{
        Entity, Level,
        route::{self, Whom},
    },
};

/// Who is told of an alert at this level: the sinks that its rule names, and those of the routes where it says so.
pub fn whom<'a>(telling: &Telling<'a>, watch: &'a Watch, entity: &Entity, level: Level) -> Vec<Whom<'a>> {
    let mut found: Vec<Whom<'a>> = Vec::new();
    let mut add = |(sink, waits): Whom<'a>| match found.iter_mut().find(|(known, _)| *known == sink) {
        Some((_, hours)) => *hours = hours.filter(|_| waits.is_some()),
        None => found.push((sink, waits)),
    };
    for name in watch.rule.sinks_for(level) {
        if name != ROUTES {
            add((name, None));
            continue;
        }
        let labels = watch.rule.labels_of(&watch.key.cluster, entity, Some(level));
        route::whom(telling.routes, &labels, telling.now).into_iter().for_each(&mut add);
    }
    let Some(concerned) = own::concerned(&watch.key) else { return found };
    found.retain(|(sink, _)| *sink != concerned);
    if found.is_empty() {
        let others = telling.sinks.keys().map(String::as_str).filter(|sink| *sink != concerned);
        found.extend(others.map(|sink| (sink, None)));
    }
    found
}
