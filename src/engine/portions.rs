//! How the changes of one turn are cut into messages for one sink: all in one, or one per alert and a digest for a flood.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    engine::{compose, tell::Telling, watch::Watch},
    model::{
        Entity, Kind, Level, RuleState, identity,
        notification::{Change, Delivery, Digest, InDigest, Status, Told},
        wording::DIGEST_NAMES,
    },
    sinks::Portions,
};

/// What sinks will have been told after this turn, as far as it changes.
type ToldRows = Vec<(Entity, String, Option<Told>)>;

/// The deliveries; who shares a digest is noted in `told`.
pub fn cut(
    telling: &Telling<'_>,
    watch: &Watch,
    state: &RuleState,
    (sink, changes): (&str, Vec<Change>),
    told: &mut ToldRows,
) -> Vec<Delivery> {
    let portions = telling.sinks.get(sink).map_or(Portions::Together, |sink| sink.portions());
    let Portions::Each { most, single } = portions else {
        return vec![compose::delivery(watch, sink, changes, telling)];
    };
    let mut cut = Cut { telling, watch, state, sink, told };
    let known = cut.known_digests();
    let of = |change: &Change| known.get(&change.episode_id).map(|digest| digest.id.clone());
    let (shared, own): (Vec<Change>, Vec<Change>) =
        changes.into_iter().partition(|change| of(change).is_some());
    let (own, flood) = split_flood(own, most, single);
    let mut deliveries = cut.each(own);
    deliveries.extend(cut.flood(flood));
    let mut by_digest: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    for change in shared {
        by_digest.entry(of(&change).unwrap_or_default()).or_default().push(change);
    }
    for (id, changes) in by_digest {
        let Some(digest) = known.values().find(|digest| digest.id == id).cloned() else { continue };
        // no edit of a shared message for each of its alerts
        if changes.iter().any(|change| change.kind != Kind::Updated) {
            deliveries.push(cut.digest(digest, changes));
        }
    }
    deliveries
}

/// Alerts that fire anew, beyond the worst few, when they are too many for a message each. One that fired several times since
/// the last turn is one alert.
fn split_flood(changes: Vec<Change>, most: usize, single: usize) -> (Vec<Change>, Vec<Change>) {
    let (mut worst, mut episodes) = (BTreeMap::new(), BTreeSet::new());
    for change in changes.iter().filter(|change| change.kind == Kind::Fired) {
        episodes.insert(change.episode_id.clone());
        let level = worst.entry(change.alert_key.clone()).or_insert(change.level);
        *level = change.level.max(*level);
    }
    if worst.len() <= most {
        return (changes, Vec::new());
    }
    let mut fresh: Vec<(Level, String)> = worst.into_iter().map(|(alert, level)| (level, alert)).collect();
    fresh.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    let flood: BTreeSet<String> = fresh.into_iter().skip(single).map(|(_, alert)| alert).collect();
    let is_flood =
        |change: &Change| flood.contains(&change.alert_key) && episodes.contains(&change.episode_id);
    changes.into_iter().partition(|change| !is_flood(change))
}

struct Cut<'a> {
    telling: &'a Telling<'a>,
    watch: &'a Watch,
    state: &'a RuleState,
    sink: &'a str,
    told: &'a mut ToldRows,
}

impl Cut<'_> {
    /// By episode, before this turn.
    fn known_digests(&self) -> BTreeMap<String, InDigest> {
        let rows = self.watch.told.values().filter_map(|sinks| sinks.get(self.sink));
        rows.filter_map(|told| Some((told.episode_id.clone(), told.digest.clone()?))).collect()
    }

    /// One message per alert, in the lane of that alert, in the order in which it happened: an episode that came and went must
    /// not be opened before the one before it is closed.
    fn each(&self, mut changes: Vec<Change>) -> Vec<Delivery> {
        changes.sort_by_key(|change| (change.at, change.kind != Kind::Resolved));
        let mut deliveries = Vec::new();
        for change in changes {
            let lane = change.alert_key.clone();
            let delivery = compose::delivery(self.watch, self.sink, vec![change], self.telling);
            deliveries.push(Delivery { lane, ..delivery });
        }
        deliveries
    }

    /// A new digest.
    fn flood(&mut self, changes: Vec<Change>) -> Option<Delivery> {
        let at = changes.iter().map(|change| change.at).max()?;
        let key = &self.watch.key;
        let id = identity::digest_id(self.sink, &key.rule, &key.cluster, at);
        let of = |name: fn(&Change) -> &str| changes.iter().map(name).collect::<BTreeSet<&str>>();
        let (alerts, episodes) = (of(|change| &change.alert_key), of(|change| &change.episode_id));
        let digest = InDigest { id, of: alerts.len(), unproven: false };
        for (_, _, row) in self.told.iter_mut().filter(|(_, sink, _)| sink == self.sink) {
            if let Some(told) = row.as_mut().filter(|told| episodes.contains(told.episode_id.as_str())) {
                told.digest = Some(digest.clone());
            }
        }
        Some(self.digest(digest, changes))
    }

    /// What a digest says now, and how much of it is left.
    fn digest(&mut self, share: InDigest, changes: Vec<Change>) -> Delivery {
        let unproven = share.unproven
            || changes.iter().any(|change| change.kind == Kind::Resolved && !change.is_cleared());
        if unproven != share.unproven {
            self.mark_unproven(&share);
        }
        let open = self.open(&share.id);
        let standing = self.standing(&open, &changes);
        let mut delivery = compose::delivery(self.watch, self.sink, changes, self.telling);
        let notification = &mut delivery.notification;
        notification.status = if open.is_empty() { Status::Resolved } else { Status::Firing };
        notification.level = open.values().copied().max().unwrap_or(notification.level);
        let digest = Digest { id: share.id.clone(), of: share.of, open: open.len(), unproven, standing };
        notification.digest = Some(digest);
        Delivery { lane: share.id, ..compose::with_text(delivery, self.telling.zone) }
    }

    /// The alerts of a digest that are open after this turn, with their levels.
    fn open(&self, id: &str) -> BTreeMap<Entity, Level> {
        let shares = |told: &Told| told.digest.as_ref().is_some_and(|digest| digest.id == id);
        let mut open = BTreeMap::new();
        for (entity, sinks) in &self.watch.told {
            let row = sinks.get(self.sink).filter(|told| shares(told));
            open.extend(row.and_then(|told| Some((entity.clone(), told.level?))));
        }
        for (entity, _, row) in self.told.iter().filter(|(_, sink, _)| sink == self.sink) {
            match row.as_ref().filter(|told| shares(told)).and_then(|told| told.level) {
                Some(level) => open.insert(entity.clone(), level),
                None => open.remove(entity),
            };
        }
        open
    }

    /// The worst of those that are open and not among `changes`.
    fn standing(&self, open: &BTreeMap<Entity, Level>, changes: &[Change]) -> Vec<Change> {
        let told: BTreeSet<&Entity> = changes.iter().map(|change| &change.entity).collect();
        let mut rest: Vec<(&Entity, Level)> = open
            .iter()
            .map(|(entity, level)| (entity, *level))
            .filter(|(entity, _)| !told.contains(entity))
            .collect();
        rest.sort_by_key(|(_, level)| Reverse(*level));
        let stands = |(entity, level): (&Entity, Level)| {
            let alert = self.state.alerts.get(entity)?;
            let standing =
                alert.standing(&self.watch.rule.policy, entity, (Kind::Updated, level), self.telling.now);
            Some(Change::new(&self.watch.key.rule, &self.watch.key.cluster, &standing))
        };
        rest.into_iter().take(DIGEST_NAMES).filter_map(stands).collect()
    }

    /// One of its alerts ended without a proof: the digest will never be green.
    fn mark_unproven(&mut self, share: &InDigest) {
        let marked = InDigest { unproven: true, ..share.clone() };
        let known: BTreeSet<Entity> = self
            .told
            .iter()
            .filter(|(_, sink, _)| sink == self.sink)
            .map(|(entity, ..)| entity.clone())
            .collect();
        for (_, _, row) in self.told.iter_mut().filter(|(_, sink, _)| sink == self.sink) {
            if let Some(digest) =
                row.as_mut().and_then(|told| told.digest.as_mut()).filter(|d| d.id == share.id)
            {
                digest.unproven = true;
            }
        }
        for (entity, sinks) in self.watch.told.iter().filter(|(entity, _)| !known.contains(*entity)) {
            let row = sinks.get(self.sink).filter(|told| told.digest.as_ref() == Some(share));
            let row = row.map(|told| Told { digest: Some(marked.clone()), ..told.clone() });
            self.told.extend(row.map(|row| (entity.clone(), self.sink.to_owned(), Some(row))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{identity::episode_id, samples};

    /// The `n`th episode of an alert fired.
    fn fired(alert: usize, n: u32) -> Change {
        let mut change = samples::change(Kind::Fired, Level::Warning);
        change.alert_key = format!("alert-{alert:02}");
        change.since = samples::at(10, n);
        change.episode_id = episode_id(&change.alert_key, change.since);
        change
    }

    #[test]
    fn an_alert_that_fired_often_since_the_last_turn_is_no_flood() {
        let often: Vec<Change> = (0..6).flat_map(|alert| (0..5).map(move |n| fired(alert, n))).collect();
        let (own, flood) = split_flood(often.clone(), 10, 3);
        assert_eq!((own, flood.len()), (often, 0));
    }

    #[test]
    fn of_a_flood_all_that_is_new_of_an_alert_stays_together_and_what_was_told_before_ends_by_itself() {
        let mut changes: Vec<Change> =
            (0..11).flat_map(|alert| (1..3).map(move |n| fired(alert, n))).collect();
        let mut end = fired(10, 0);
        end.kind = Kind::Resolved;
        changes.push(end.clone());
        let (own, flood) = split_flood(changes, 10, 3);
        assert_eq!((own.len(), flood.len()), (3 * 2 + 1, 8 * 2));
        assert_eq!(own.last(), Some(&end));
        let alerts = |part: &[Change]| part.iter().map(|one| one.alert_key.clone()).collect::<BTreeSet<_>>();
        assert_eq!(alerts(&own[..6]).intersection(&alerts(&flood)).count(), 0);
    }
}
