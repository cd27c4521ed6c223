//! Rules that change while the daemon runs: all or nothing, and a firing rule that goes is closed, not forgotten.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    config::{self, Rule, RuleKey, RuleSet},
    engine::{
        Engine, canary,
        draft::Draft,
        lock,
        own::{self, Own},
        watch::Watch,
    },
    model::{Ending, precedent::REMEMBERED},
    store::{Episode, StoreError, Stored},
};

/// How far back an alert's coming and going is looked up at a start.
const FLAPS_REMEMBERED: chrono::TimeDelta = chrono::TimeDelta::hours(24);

/// What the scans before have seen.
#[derive(Debug, Default)]
pub struct Scans {
    /// Hash of the set that is in force.
    hash: u64,
    /// Rules that the last scan did not find: a second one has to agree.
    missing: BTreeSet<RuleKey>,
}

impl Engine {
    /// Takes up what the store knows: every rule finds its state; what belongs to no rule waits for the next scan.
    pub async fn take_up(&self, mut stored: BTreeMap<RuleKey, Stored>, hash: u64) -> Result<(), StoreError> {
        self.own.lock().await.take_up(&self.settings, &mut stored);
        self.close_gone_sinks().await?;
        self.notice_others().await;
        let rules = self.rules();
        for rule in rules.rules.values() {
            for key in rule.keys() {
                let found = stored.remove(&key).unwrap_or_default();
                self.start_watch(rule, &key, found).await?;
            }
        }
        self.remember_flaps().await?;
        self.remember_precedents().await?;
        let missing = stored.keys().cloned().collect();
        for (key, found) in stored {
            let rule = Arc::new(own::ghost(&key, &found.card));
            let watch = Watch::new(rule, &key.cluster, found);
            self.hold(watch);
        }
        *self.scans.lock().await = Scans { hash, missing };
        Ok(())
    }

    /// How often alerts came and went before this start.
    async fn remember_flaps(&self) -> Result<(), StoreError> {
        for past in self.store.history(self.clock.now() - FLAPS_REMEMBERED).await? {
            let Some(watch) = self.watch(&past.key) else { continue };
            let mut watch = watch.lock().await;
            let Some(policy) = watch.rule.flapping else { continue };
            let (entity, kind, at) = (past.transition.entity, past.transition.kind, past.transition.at);
            watch.flaps.entry(entity).or_default().note(&policy, kind, at);
        }
        Ok(())
    }

    /// How often alerts fired before this start.
    async fn remember_precedents(&self) -> Result<(), StoreError> {
        for Episode { key, entity, since, at } in self.store.episodes(self.clock.now() - REMEMBERED).await? {
            let Some(watch) = self.watch(&key) else { continue };
            let mut watch = watch.lock().await;
            Arc::make_mut(&mut watch.precedents).entry(entity).or_default().note(since, at);
        }
        Ok(())
    }

    async fn start_watch(&self, rule: &Arc<Rule>, key: &RuleKey, found: Stored) -> Result<(), StoreError> {
        let changed = !found.card.fingerprint.is_empty() && found.card.fingerprint != rule.fingerprint;
        let mut watch = Watch::new(rule.clone(), &key.cluster, found);
        if changed {
            self.close(&mut watch, Ending::RuleChanged, false).await?;
        }
        self.note_reach(&watch);
        self.note_speakers(&watch);
        self.hold(watch);
        lock(&self.agenda).put(self.clock.now(), key.clone());
        Ok(())
    }

    /// Reads the rule files again. `at_once`: an operator asked for it, so removals need no second scan.
    pub async fn reload(&self, at_once: bool) -> Result<(), StoreError> {
        let mut scans = self.scans.lock().await;
        if !at_once && scans.missing.is_empty() && self.read_hash().await == Some(scans.hash) {
            self.say_of_itself(Own::Reload, 0, "").await;
            return Ok(());
        }
        let settings = self.settings.clone();
        let loaded = tokio::task::spawn_blocking(move || config::load_rules(&settings)).await;
        let loaded = match loaded {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(complaints)) => {
                self.telemetry.reloaded(false);
                tracing::error!(%complaints, "reload failed");
                self.say_of_itself(Own::Reload, 1, &complaints.lines().join("; ")).await;
                return Ok(());
            }
            Err(fault) => {
                tracing::error!(%fault, "reload failed");
                self.say_of_itself(Own::Reload, 1, "a fault of highwater's own while reading the rules")
                    .await;
                return Ok(());
            }
        };
        self.say_of_itself(Own::Reload, 0, "").await;
        if loaded.hash != scans.hash {
            self.telemetry.reloaded(true);
            tracing::info!(rules = loaded.set.rules.len(), "rules loaded");
        }
        self.put_in_force(loaded.set, &mut scans, at_once).await?;
        // only now: a set that is in force in part is put in force again by the next scan
        scans.hash = loaded.hash;
        Ok(())
    }

    /// Files that are as they were are not parsed again: a scan twice a minute of many rules would cost more than judging
    /// them.
    async fn read_hash(&self) -> Option<u64> {
        let settings = self.settings.clone();
        tokio::task::spawn_blocking(move || config::rules_hash(&settings)).await.ok().flatten()
    }

    pub(super) async fn put_in_force(
        &self,
        set: RuleSet,
        scans: &mut Scans,
        at_once: bool,
    ) -> Result<(), StoreError> {
        let set = Arc::new(canary::with_canary(&self.settings, set));
        self.rules.store(set.clone());
        let wanted: BTreeMap<RuleKey, &Arc<Rule>> =
            set.rules.values().flat_map(|rule| rule.keys().map(move |key| (key, rule))).collect();
        let new = wanted.keys().any(|key| self.watch(key).is_none());
        // a rule that was disabled goes on from its place
        let mut kept = if new { self.store.load().await? } else { BTreeMap::new() };
        for (key, rule) in &wanted {
            match self.watch(key) {
                Some(watch) => self.change_rule(&mut *watch.lock().await, rule).await?,
                None => self.start_watch(rule, key, kept.remove(key).unwrap_or_default()).await?,
            }
        }
        let gone: Vec<RuleKey> =
            lock(&self.watches).keys().filter(|key| !wanted.contains_key(*key)).cloned().collect();
        let mut missing = BTreeSet::new();
        for key in gone {
            let disabled = set.disabled.contains(&key.rule);
            if disabled || at_once || scans.missing.contains(&key) {
                let ending = if disabled { Ending::Disabled } else { Ending::RuleRemoved };
                self.remove(&key, ending).await?;
            } else {
                missing.insert(key);
            }
        }
        scans.missing = missing;
        Ok(())
    }

    /// The same rule, perhaps with other words or thresholds; with other entities, its alerts end.
    async fn change_rule(&self, watch: &mut Watch, rule: &Arc<Rule>) -> Result<(), StoreError> {
        let reborn = watch.rule.kind == "gone";
        if watch.rule.fingerprint != rule.fingerprint {
            self.close(watch, Ending::RuleChanged, false).await?;
        }
        let sooner = watch.rule.timing != rule.timing || reborn;
        watch.rule = rule.clone();
        if sooner {
            lock(&self.agenda).put(self.clock.now(), watch.key.clone());
        }
        Ok(())
    }

    async fn remove(&self, key: &RuleKey, ending: Ending) -> Result<(), StoreError> {
        let Some(watch) = self.watch(key) else { return Ok(()) };
        let mut watch = watch.lock().await;
        self.close(&mut watch, ending, true).await?;
        lock(&self.watches).remove(key);
        lock(&self.lively).remove(key);
        tracing::info!(rule = key.rule, cluster = key.cluster, ending = ending.name(), "rule closed");
        Ok(())
    }

    async fn close(&self, watch: &mut Watch, ending: Ending, forget: bool) -> Result<(), StoreError> {
        let mut draft = Draft::of(watch);
        draft.close(watch, ending, self.clock.now());
        if forget {
            draft.forget_rule();
        }
        self.commit(watch, draft).await
    }
}
