//! One rule through the day: when it is looked at, and what of it is told when.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    alert::{Alert, Net},
    blind::Blind,
    luck::{Spell, is_in},
    oracle::{Line, Moment, Promise, Rung, Said},
    truth::{BELL, DAY, MINUTE, Milli, Place, Truth, Weather},
};
use crate::model::{Entity, Level};

/// What an oracle knows beside what a rule says.
#[derive(Clone, Copy)]
pub struct World<'t> {
    pub truth: &'t Truth,
    /// When the alert of a cluster that cannot be reached speaks for all others.
    pub speaks: &'t [Spell],
    /// When it is known that the cluster cannot be reached.
    pub known_away: &'t [Spell],
    /// Whenever anything is done: what no look brings about is told at the next of these.
    pub instants: &'t BTreeSet<Milli>,
}

/// What is told in the name of one rule.
struct Voice<'t> {
    rule: String,
    place: Place,
    world: World<'t>,
    alerts: BTreeMap<Entity, Alert>,
    /// Until when nothing is told.
    held: Option<Milli>,
    lines: Vec<Line>,
}

impl<'t> Voice<'t> {
    fn new(rule: &str, place: Place, world: World<'t>) -> Self {
        Self { rule: rule.to_owned(), place, world, alerts: BTreeMap::new(), held: None, lines: Vec::new() }
    }

    /// Until when nothing is told of this rule.
    fn hushed(&self, at: Milli) -> Option<Milli> {
        let speaks = self.world.speaks.iter().filter(|_| self.place.is_main());
        let muted = self.world.truth.muted.iter().filter(|(rule, _)| *rule == self.rule);
        let mut spells = speaks.chain(muted.map(|(_, spell)| spell));
        spells.find(|spell| spell.holds(at)).map(|spell| spell.to)
    }

    /// What a look brought.
    fn speaks(&mut self, now: Milli) {
        self.held = self.held.or(self.hushed(now));
        if self.held.is_none() {
            self.tells(now, false);
        }
        self.alerts.values_mut().for_each(Alert::is_unheard);
    }

    fn tells(&mut self, now: Milli, withheld: bool) {
        for (entity, alert) in &mut self.alerts {
            let nets = alert.net(now, withheld).into_iter();
            let (rule, entity) = (&self.rule, entity);
            self.lines.extend(nets.map(|net| Line {
                told: now,
                rule: rule.clone(),
                entity: entity.clone(),
                net,
            }));
        }
    }

    /// What no look brings: what was held back until a time that has come, and what has settled.
    fn passes(&mut self, now: Milli) {
        self.releases(now);
        while let Some(at) = self.settles().filter(|at| *at <= now && self.held.is_none()) {
            self.held = self.hushed(at);
            if self.held.is_none() {
                self.tells(at, true);
            }
        }
        self.releases(now);
    }

    fn releases(&mut self, now: Milli) {
        if let Some(release) = self.held.filter(|release| now >= *release) {
            self.held = None;
            self.tells(release, true);
        }
    }

    fn settles(&self) -> Option<Milli> {
        let due = self.alerts.values().filter_map(Alert::settles).min()?;
        self.world.instants.range(due..).next().copied()
    }

    fn reminds(&mut self, repeat: Milli, bell: Milli) {
        let hushed = self.hushed(bell).is_some();
        for (entity, alert) in &mut self.alerts {
            let net = alert.rings(repeat, bell, hushed);
            let line = |net| Line { told: bell, rule: self.rule.clone(), entity: entity.clone(), net };
            self.lines.extend(net.map(line));
        }
    }
}

struct Course<'p, 't> {
    promise: &'p Promise<'t>,
    world: World<'t>,
    voice: Voice<'t>,
    blind: Blind,
    /// The rule about itself.
    own: Voice<'t>,
    bell: Milli,
    /// The looks that could be judged: the tick, and when it was asked.
    before: Vec<(Milli, Milli)>,
    owed: Vec<Milli>,
}

/// Everything that has to be told of a rule; a look is asked `lag` after its tick.
pub fn lines(promise: &Promise<'_>, world: World<'_>, lag: Milli) -> Vec<Line> {
    let voice = |rule: &str| Voice::new(rule, promise.place, world);
    let mut course = Course {
        promise,
        world,
        voice: voice(promise.rule),
        blind: Blind::default(),
        own: voice(&format!("highwater-blind {}", promise.rule)),
        bell: BELL,
        before: Vec::new(),
        owed: Vec::new(),
    };
    for (asked, ticks) in promise.looks(world.truth, lag) {
        course.passes_until(asked);
        course.passes(asked);
        course.looks(asked, ticks);
    }
    course.passes_until(DAY);
    let Course { voice, own, .. } = course;
    voice.lines.into_iter().chain(own.lines).collect()
}

impl Course<'_, '_> {
    fn passes_until(&mut self, end: Milli) {
        while self.bell < end {
            let bell = self.bell;
            self.passes(bell);
            if let Some(repeat) = self.promise.repeat.filter(|_| !self.world.truth.down.holds(bell)) {
                self.voice.reminds(repeat, bell);
            }
            self.bell += MINUTE;
        }
    }

    fn passes(&mut self, now: Milli) {
        self.voice.passes(now);
        self.own.passes(now);
    }

    fn looks(&mut self, asked: Milli, mut ticks: Vec<Milli>) {
        let newest = ticks[ticks.len() - 1];
        match self.world.truth.weather(self.promise.place, asked) {
            Weather::Fine if self.promise.windowed => {
                ticks.splice(0..0, self.owed.drain(..));
                self.judges(asked, &ticks);
            }
            Weather::Fine => self.judges(asked, &[newest]),
            Weather::Away if self.promise.place.is_main() => {
                self.owed.extend(ticks.into_iter().filter(|_| self.promise.windowed));
                self.sees_nothing(asked, newest);
            }
            Weather::Away | Weather::Partial => {
                self.owed.clear();
                self.sees_nothing(asked, newest);
            }
        }
        self.says_of_itself(newest);
        self.own.speaks(asked);
    }

    /// As long as it is known that the cluster is away, that is the reason whatever a look finds.
    fn sees_nothing(&mut self, asked: Milli, tick: Milli) {
        match self.promise.place.is_main() && is_in(self.world.known_away, asked) {
            true => self.blind.is_excused(tick),
            false => self.blind.sees_nothing(tick),
        }
    }

    fn judges(&mut self, asked: Milli, ticks: &[Milli]) {
        for tick in ticks {
            let said = (self.promise.says)(Moment { tick: *tick, asked, before: &self.before });
            if said.values().any(|said| *said == Said::Nothing) {
                self.sees_nothing(asked, *tick);
                continue;
            }
            let of = |said: Said| said.as_far_as_it_decides(&self.promise.rungs);
            let said = said.into_iter().map(|(entity, said)| (entity, of(said))).collect();
            self.blind.sees(*tick, &said);
            self.hears(said, *tick);
            let told_to = self.before.last().map_or(*tick, |(before, _)| *before);
            self.tells_what_happened((told_to, *tick), asked);
            self.before.push((*tick, asked));
        }
        self.voice.speaks(asked);
    }

    fn hears(&mut self, said: BTreeMap<Entity, Said>, tick: Milli) {
        let Promise { rungs, too_often, .. } = self.promise;
        let (alerts, step) = (&mut self.voice.alerts, (tick, MINUTE.max(2 * self.promise.every)));
        for (entity, said) in said {
            let alert = match said {
                Said::Unknown | Said::Nothing => continue,
                Said::Silent | Said::Gone => alerts.get_mut(&entity),
                _ => Some(alerts.entry(entity).or_insert_with(|| Alert::new(rungs, *too_often))),
            };
            let Some(alert) = alert else { continue };
            match said {
                Said::Silent => alert.misses(rungs, &self.promise.silent, step),
                Said::Gone => alert.misses(rungs, &self.promise.gone, step),
                _ => {
                    alert.is_here();
                    alert.hears(rungs, |rung| said.of(rung), step);
                }
            }
        }
    }

    fn tells_what_happened(&mut self, (from, to): (Milli, Milli), told: Milli) {
        let happened = self.promise.tells.as_ref().map(|tells| tells(from, to)).unwrap_or_default();
        for (at, entity) in happened {
            let (rule, net) = (self.promise.rule.to_owned(), Net::new("happened", Level::Info, at));
            self.voice.lines.push(Line { told, rule, entity, net });
        }
    }

    fn says_of_itself(&mut self, tick: Milli) {
        let rungs = [Rung::new(Level::Warning, |overdue| overdue > 0.0)];
        let own = self.own.alerts.entry(Entity::empty()).or_insert_with(|| Alert::new(&rungs, None));
        let overdue = self.blind.is_overdue();
        own.hears(&rungs, |_| Some((overdue, !overdue)), (tick, MINUTE));
    }
}
