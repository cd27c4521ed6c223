//! Alerts that have ended, and of which somebody has not heard everything yet.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::{
    cli::{
        alerts::{Now, withheld_as_json, withheld_in_words},
        paint::Tone,
        table::Row,
        words,
    },
    config::RuleKey,
    model::{
        Ending, Entity, Kind, Time, identity,
        notification::{Change, Withheld},
        wording,
    },
    store::{OpenAlert, Queued, Reader, StoreError, Stored},
};

/// Told one by one: what only brings something up to date is not worth waiting for.
const NEWS: [Kind; 4] = [Kind::Fired, Kind::Raised, Kind::Lowered, Kind::Resolved];

/// One ended alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Over {
    pub key: RuleKey,
    pub summary: String,
    /// Its newest change that somebody has not heard.
    pub change: Change,
    pub withheld: Vec<(String, Withheld)>,
    pub waiting: Vec<Wait>,
}

/// What waits in the outbox for one sink.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    pub sink: String,
    pub kinds: Vec<Kind>,
    pub since: Time,
    pub answer: Option<String>,
}

/// By rule, entity and episode.
type Found = BTreeMap<(RuleKey, Entity, String), Over>;

/// Everything that is still to be told of alerts that are not `open`, in the order of rules.
pub fn read(
    store: &Reader,
    stored: &BTreeMap<RuleKey, Stored>,
    open: &[OpenAlert],
) -> Result<Vec<Over>, StoreError> {
    let mut found = Found::new();
    let episodes: BTreeSet<String> = open.iter().filter_map(episode_of).collect();
    for queued in store.news_waiting()? {
        let notification = &queued.delivery.notification;
        let key = RuleKey::new(&notification.rule, &notification.cluster);
        let ended = |change: &&Change| NEWS.contains(&change.kind) && !episodes.contains(&change.episode_id);
        for change in notification.alerts.iter().filter(ended) {
            note(&mut found, &key, &notification.summary, change).wait(&queued, change.kind);
        }
    }
    let open: BTreeSet<(&RuleKey, &Entity)> = open.iter().map(|open| (&open.key, &open.entity)).collect();
    for (key, stored) in stored {
        for (_, sinks) in stored.told.iter().filter(|(entity, _)| !open.contains(&(key, *entity))) {
            for (sink, told) in sinks {
                let Some(withheld) = &told.withheld else { continue };
                let over = note(&mut found, key, &stored.card.summary, &withheld.change);
                over.withheld.push((sink.clone(), withheld.clone()));
            }
        }
    }
    Ok(found.into_values().collect())
}

fn episode_of(open: &OpenAlert) -> Option<String> {
    let key = identity::alert_key(&open.key.rule, &open.key.cluster, &open.entity);
    Some(identity::episode_id(&key, open.alert.since?))
}

fn note<'a>(found: &'a mut Found, key: &RuleKey, summary: &str, change: &Change) -> &'a mut Over {
    let episode = (key.clone(), change.entity.clone(), change.episode_id.clone());
    let over = found.entry(episode).or_insert_with(|| Over {
        key: key.clone(),
        summary: summary.to_owned(),
        change: change.clone(),
        withheld: Vec::new(),
        waiting: Vec::new(),
    });
    if change.at > over.change.at || change.kind == Kind::Resolved {
        over.change = change.clone();
    }
    over
}

impl Over {
    fn wait(&mut self, queued: &Queued, kind: Kind) {
        let answer = queued.answer.clone();
        let Some(wait) = self.waiting.iter_mut().find(|wait| wait.sink == queued.key.sink) else {
            let (sink, since) = (queued.key.sink.clone(), queued.created);
            self.waiting.push(Wait { sink, kinds: vec![kind], since, answer });
            return;
        };
        wait.kinds.push(kind);
        wait.since = wait.since.min(queued.created);
        wait.answer = wait.answer.take().or(answer);
    }

    /// `recovered`, or why it ended without a proof.
    fn state(&self) -> (Tone, String) {
        match self.change.reason {
            Some(Ending::Cleared) => (Tone::Clear, "recovered".to_owned()),
            Some(ending) => (Tone::Quiet, ending.name().replace('_', " ")),
            None => (Tone::Quiet, "over".to_owned()),
        }
    }

    pub fn row(&self, now: Time, zone: Tz) -> Row {
        let change = &self.change;
        let show = |number| change.unit.map(|unit| unit.show(number)).unwrap_or_default();
        let (value, peak) =
            (change.value.map(show).unwrap_or_default(), change.peak.map(show).unwrap_or_default());
        let since = words::clock(change.since, now, zone);
        let since = match change.kind {
            Kind::Resolved => format!("{since} to {}", words::clock(change.at, now, zone)),
            _ => since,
        };
        let (tone, state) = self.state();
        let entity = change.entity.to_string();
        let mut row =
            Row::new(tone, [&state, &self.key.rule, &self.key.cluster, &entity, &value, &peak, &since]);
        let withheld = self.withheld.iter();
        row.notes.extend(withheld_in_words(
            withheld.map(|(sink, withheld)| (withheld.by.words.as_str(), sink.as_str())),
        ));
        row.notes.extend(self.waiting.iter().map(|wait| self.wait_in_words(wait, now, zone)));
        row
    }

    /// `its recovery waits for sink hook since 10:31 UTC: answered 503`
    fn wait_in_words(&self, wait: &Wait, now: Time, zone: Tz) -> String {
        let end = if self.change.reason == Some(Ending::Cleared) { "its recovery" } else { "its end" };
        let ends = wait.kinds.contains(&Kind::Resolved);
        let what = match (wait.kinds.iter().any(|kind| *kind != Kind::Resolved), ends) {
            (true, true) => format!("that it fired and {end} wait"),
            (true, false) => "that it fired waits".to_owned(),
            _ => format!("{end} waits"),
        };
        let since = wording::when(wait.since, now, zone);
        let why = wait.answer.as_ref().map(|why| format!(": {}", wording::clean(why))).unwrap_or_default();
        format!("{what} for sink {} since {since}{why}", wait.sink)
    }

    pub fn as_json(&self) -> Value {
        let change = &self.change;
        let wait = |wait: &Wait| json!({ "sink": wait.sink, "kinds": wait.kinds, "since": wait.since, "answer": wait.answer });
        json!({
            "rule": self.key.rule, "cluster": self.key.cluster, "summary": self.summary,
            "entity": change.entity, "state": "over", "level": change.level, "reason": change.reason,
            "value": change.value, "unit": change.unit, "peak": change.peak, "since": change.since,
            "at": change.at, "withheld": self.withheld.iter().map(withheld_as_json).collect::<Vec<_>>(),
            "waiting": self.waiting.iter().map(wait).collect::<Vec<_>>(),
        })
    }
}

/// `1 is over and still to be told`
pub fn counted(now: &Now) -> Option<String> {
    let (n, are) = (now.over.len(), if now.over.len() == 1 { "is" } else { "are" });
    (n > 0).then(|| Tone::Quiet.paint(&format!("{n} {are} over and still to be told")))
}

#[cfg(test)]
mod tests;
