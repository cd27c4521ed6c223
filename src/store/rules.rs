//! Reads what is remembered of the rules.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::{
    Card, Outcome, StoreError, Stored,
    columns::{parse, time},
};
use crate::{
    checks::Memory,
    config::RuleKey,
    model::{
        Alert, Entity, RuleState, Time, Transition,
        blind::{Blind, Since},
        notification::{Told, Untold},
        time::Course,
    },
};

/// [`Blind`] and [`Course`] as they are stored: JSON has no maps by entity.
#[derive(Serialize, Deserialize)]
pub(super) struct Sight {
    rule: Option<Since>,
    entities: Vec<(Entity, Since)>,
    #[serde(default)]
    course: Course,
}

impl Sight {
    pub(super) fn of(blind: &Blind, course: Course) -> Self {
        Self { rule: blind.rule.clone(), entities: blind.entities.clone().into_iter().collect(), course }
    }

    fn into_state(self) -> RuleState {
        let blind = Blind { rule: self.rule, entities: self.entities.into_iter().collect() };
        RuleState { alerts: BTreeMap::new(), blind, course: self.course }
    }
}

/// All that a start needs.
pub(super) fn load(db: &Connection) -> Result<BTreeMap<RuleKey, Stored>, StoreError> {
    let mut found = load_rules(db)?;
    for (key, entity, alert) in each_alert(db)? {
        found.entry(key).or_default().state.alerts.insert(entity, alert);
    }
    load_told(db, &mut found)?;
    Ok(found)
}

fn load_rules(db: &Connection) -> Result<BTreeMap<RuleKey, Stored>, StoreError> {
    let mut select = db.prepare("SELECT rule, cluster, card, watermark, owed, blind, memory FROM rules")?;
    let mut rows = select.query([])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column).and_then(|value| Ok(value.as_str()?));
        let watermark: Option<i64> = row.get(3)?;
        let owed: Vec<i64> = parse(text(4)?)?;
        let stored = Stored {
            card: parse::<Card>(text(2)?)?,
            watermark: watermark.map(time).transpose()?,
            owed: owed.into_iter().map(time).collect::<Result<_, _>>()?,
            state: parse::<Sight>(text(5)?)?.into_state(),
            memory: parse::<Memory>(text(6)?)?,
            told: BTreeMap::new(),
        };
        found.insert(RuleKey { rule: row.get(0)?, cluster: row.get(1)? }, stored);
    }
    Ok(found)
}

fn each_alert(db: &Connection) -> Result<Vec<(RuleKey, Entity, Alert)>, StoreError> {
    let mut select = db.prepare("SELECT rule, cluster, entity, alert FROM alerts")?;
    let mut rows = select.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let key = RuleKey { rule: row.get(0)?, cluster: row.get(1)? };
        found.push((key, parse(&row.get::<_, String>(2)?)?, parse(&row.get::<_, String>(3)?)?));
    }
    Ok(found)
}

fn load_told(db: &Connection, found: &mut BTreeMap<RuleKey, Stored>) -> Result<(), StoreError> {
    let mut select = db.prepare("SELECT rule, cluster, entity, sink, told FROM told")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let key = RuleKey { rule: row.get(0)?, cluster: row.get(1)? };
        let (entity, sink): (Entity, String) = (parse(&row.get::<_, String>(2)?)?, row.get(3)?);
        let told: Told = parse(&row.get::<_, String>(4)?)?;
        found.entry(key).or_default().told.entry(entity).or_default().insert(sink, told);
    }
    Ok(())
}

/// An alert that is pending, firing or recovering, with what people need to read it.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenAlert {
    pub key: RuleKey,
    pub card: Card,
    pub entity: Entity,
    pub alert: Alert,
}

pub(super) fn open_alerts(db: &Connection) -> Result<Vec<OpenAlert>, StoreError> {
    let rules = load_rules(db)?;
    let open = each_alert(db)?.into_iter().filter(|(_, _, alert)| !alert.is_inactive());
    let open = open.map(|(key, entity, alert)| {
        let card = rules.get(&key).map(|rule| rule.card.clone()).unwrap_or_default();
        OpenAlert { key, card, entity, alert }
    });
    Ok(open.collect())
}

/// A change that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    pub key: RuleKey,
    pub transition: Transition,
    /// Who was not told then, and what withheld it.
    pub untold: Vec<Untold>,
}

/// An alert from its first breach to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Episode {
    pub key: RuleKey,
    pub entity: Entity,
    pub since: Time,
    pub at: Time,
}

/// More are not remembered: a start has to be quick.
const MOST_EPISODES: u32 = 50_000;

/// What has ended since then; of very many the newest. Oldest first.
pub(super) fn episodes(db: &Connection, since: Time) -> Result<Vec<Episode>, StoreError> {
    let select = "SELECT rule, cluster, transition -> '$.entity', transition -> '$.since', at FROM history
        WHERE at >= ?1 AND transition ->> '$.kind' = 'resolved' ORDER BY at DESC, seq DESC LIMIT ?2";
    let mut select = db.prepare(select)?;
    let mut rows = select.query(params![since.timestamp_millis(), MOST_EPISODES])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Episode {
            key: RuleKey { rule: row.get(0)?, cluster: row.get(1)? },
            entity: parse(&row.get::<_, String>(2)?)?,
            since: parse(&row.get::<_, String>(3)?)?,
            at: time(row.get(4)?)?,
        });
    }
    found.reverse();
    Ok(found)
}

/// Oldest first.
pub(super) fn history(db: &Connection, since: Time) -> Result<Vec<Past>, StoreError> {
    let select = "SELECT rule, cluster, transition, untold FROM history WHERE at >= ?1 ORDER BY at, seq";
    let mut select = db.prepare(select)?;
    let mut rows = select.query(params![since.timestamp_millis()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let key = RuleKey { rule: row.get(0)?, cluster: row.get(1)? };
        let untold: Option<String> = row.get(3)?;
        let untold = untold.map_or(Ok(Vec::new()), |untold| parse(&untold))?;
        found.push(Past { key, transition: parse(&row.get::<_, String>(2)?)?, untold });
    }
    Ok(found)
}

/// Consecutive ticks that went alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub key: RuleKey,
    pub from: Time,
    pub to: Time,
    pub n: u32,
    pub outcome: Outcome,
    pub reason: Option<String>,
}

/// In the order in which they were recorded; of all rules, or of one.
pub(super) fn runs(db: &Connection, rule: Option<&str>, since: Time) -> Result<Vec<Stretch>, StoreError> {
    let select = "SELECT rule, cluster, first, last, n, outcome, reason FROM runs
        WHERE last >= ?1 AND (?2 IS NULL OR rule = ?2) ORDER BY seq";
    let mut select = db.prepare(select)?;
    let mut rows = select.query(params![since.timestamp_millis(), rule])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let outcome = serde_json::Value::String(row.get(5)?);
        let outcome =
            serde_json::from_value(outcome).map_err(|error| StoreError::Damaged(error.to_string()))?;
        found.push(Stretch {
            key: RuleKey { rule: row.get(0)?, cluster: row.get(1)? },
            from: time(row.get(2)?)?,
            to: time(row.get(3)?)?,
            n: row.get(4)?,
            outcome,
            reason: row.get(6)?,
        });
    }
    Ok(found)
}
