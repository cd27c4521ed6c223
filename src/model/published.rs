//! Readings as metrics: what a rule saw, whatever its level, for sinks that keep numbers.

use serde::{Deserialize, Serialize};

use super::{Entity, Finding, Level, Number, Observation, RuleState, Time, Unit, identity};

/// The most readings in one delivery; of more, several are made.
pub const TOGETHER: usize = 500;

/// One reading as it is published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// The same after a replay.
    pub id: String,
    pub entity: Entity,
    pub value: Number,
    pub unit: Unit,
    /// Of the entity's alert after this look; `None`: nothing fires.
    pub level: Option<Level>,
    /// The tick that was judged.
    pub at: Time,
}

/// The numbers of one look, beside the alerts as it left them. What is no data or unknown has none.
pub fn readings(
    (rule, cluster): (&str, &str),
    observation: &Observation,
    state: &RuleState,
    at: Time,
) -> Vec<Published> {
    let Observation::Seen { findings, .. } = observation else { return Vec::new() };
    let mut readings = Vec::new();
    for (entity, finding) in findings {
        let Finding::Value(reading) = finding else { continue };
        readings.push(Published {
            id: identity::reading_id(&identity::alert_key(rule, cluster, entity), at),
            entity: entity.clone(),
            value: reading.value,
            unit: reading.unit,
            level: state.alerts.get(entity).and_then(|alert| alert.level),
            at,
        });
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reading;

    #[test]
    fn the_same_reading_has_an_id_of_its_own_on_each_cluster_of_each_rule() {
        let node = Entity::of("node", "es-1");
        let seen = Observation::one(node, Finding::Value(Reading::new(Number::Int(5), Unit::Percent)));
        let mut ids = std::collections::BTreeSet::new();
        for of in [("disk", "main"), ("disk", "logs"), ("heap", "main"), ("heap", "logs")] {
            let readings = readings(of, &seen, &RuleState::default(), Time::UNIX_EPOCH);
            ids.extend(readings.into_iter().map(|reading| reading.id));
        }
        assert_eq!(ids.len(), 4);
    }
}
