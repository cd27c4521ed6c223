//! Which alerts have to be told, and when: said from what happened, by somebody who knows none of the checks and nothing of the engine.

use std::{collections::BTreeMap, fmt};

use super::{
    alert::{Alert, Net},
    blind::Blind,
    luck::Spell,
    truth::{DAY, MINUTE, Milli, Place, Truth, Weather, time},
};
use crate::model::{Entity, Level};

/// What is true of an entity at one look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Said {
    Number(f64),
    /// It is known, and says nothing.
    Silent,
}

/// When is looked, and when that is asked.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub tick: Milli,
    pub asked: Milli,
}

pub fn one(entity: Entity, said: Said) -> BTreeMap<Entity, Said> {
    BTreeMap::from([(entity, said)])
}

/// One level of a rule.
#[derive(Clone, Copy)]
pub struct Rung {
    pub level: Level,
    pub bad: fn(f64) -> bool,
    /// Left out: not bad.
    pub good: Option<fn(f64) -> bool>,
    pub lasting: Milli,
    pub easing: Milli,
}

impl Rung {
    pub fn new(level: Level, bad: fn(f64) -> bool) -> Self {
        Self { level, bad, good: None, lasting: 0, easing: 0 }
    }

    /// Only after it was bad for so long.
    pub fn lasting(self, lasting: Milli) -> Self {
        Self { lasting, ..self }
    }

    /// Over only after it was good for so long.
    pub fn easing(self, easing: Milli) -> Self {
        Self { easing, ..self }
    }
}

type Says<'t> = Box<dyn Fn(Moment) -> BTreeMap<Entity, Said> + 't>;

/// What one rule promises.
pub struct Promise<'t> {
    pub rule: &'static str,
    every: Milli,
    place: Place,
    windowed: bool,
    rungs: Vec<Rung>,
    says: Says<'t>,
}

impl<'t> Promise<'t> {
    pub fn new(rule: &'static str, every: Milli, place: Place) -> Self {
        Self { rule, every, place, windowed: false, rungs: Vec::new(), says: Box::new(|_| BTreeMap::new()) }
    }

    /// About a window of documents: what cannot be asked now is asked later.
    pub fn windowed(self) -> Self {
        Self { windowed: true, ..self }
    }

    pub fn rung(mut self, rung: Rung) -> Self {
        self.rungs.push(rung);
        self
    }

    pub fn says(self, says: impl Fn(Moment) -> BTreeMap<Entity, Said> + 't) -> Self {
        Self { says: Box::new(says), ..self }
    }

    /// Every look of the day: when it is asked, and about which ticks.
    fn looks(&self, truth: &Truth, lag: Milli) -> BTreeMap<Milli, Vec<Milli>> {
        let mut looks: BTreeMap<Milli, Vec<Milli>> = BTreeMap::new();
        let mut tick = (-lag).div_euclid(self.every) * self.every;
        while tick + lag < DAY {
            let asked = (tick + lag).max(0);
            let asked = if truth.down.holds(asked) { truth.down.to } else { asked };
            looks.entry(asked).or_default().push(tick);
            tick += self.every;
        }
        looks
    }

    /// Everything that has to be told of this rule; a look is asked `lag` after its tick.
    pub fn lines(&self, world: World<'_>, lag: Milli) -> Vec<Line> {
        let mut alerts: BTreeMap<Entity, Alert> = BTreeMap::new();
        let (mut blind, mut lines, mut owed, mut held) = (Blind::default(), Vec::new(), Vec::new(), None);
        for (asked, mut ticks) in self.looks(world.truth, lag) {
            if let Some(release) = held.filter(|release| asked >= *release) {
                lines.extend(self.news(&mut alerts, release, held.take()));
            }
            let newest = ticks[ticks.len() - 1];
            match world.truth.weather(self.place, asked) {
                Weather::Fine => {}
                // the cluster's own alert speaks for all that cannot be asked of it
                Weather::Away => {
                    owed.extend(ticks.into_iter().filter(|_| self.windowed));
                    continue;
                }
                Weather::Partial => {
                    owed.clear();
                    lines.extend(self.of_itself(blind.sees_nothing(newest), asked));
                    continue;
                }
            }
            if self.windowed {
                ticks.splice(0..0, owed.drain(..));
            } else {
                ticks = vec![newest];
            }
            lines.extend(self.of_itself(blind.sees(newest), asked));
            self.look(&mut alerts, &ticks, asked);
            held = held.or(world.speaks.iter().find(|spell| spell.holds(asked)).map(|spell| spell.to));
            if held.is_none() {
                lines.extend(self.news(&mut alerts, asked, None));
            }
        }
        lines
    }

    /// One look, or several of which all but the last are late.
    fn look(&self, alerts: &mut BTreeMap<Entity, Alert>, ticks: &[Milli], asked: Milli) {
        let reach = MINUTE.max(2 * self.every);
        for tick in ticks {
            for (entity, said) in (self.says)(Moment { tick: *tick, asked }) {
                let alert = alerts.entry(entity).or_insert_with(|| Alert::new(&self.rungs));
                match said {
                    Said::Number(number) => alert.hears(&self.rungs, number, (*tick, reach)),
                    Said::Silent => {}
                }
            }
        }
    }

    fn news(&self, alerts: &mut BTreeMap<Entity, Alert>, told: Milli, held: Option<Milli>) -> Vec<Line> {
        let line =
            |entity: &Entity, net| Line { told, rule: self.rule.to_owned(), entity: entity.clone(), net };
        let of = |(entity, alert): (&Entity, &mut Alert)| {
            alert.net(held).into_iter().map(|net| line(entity, net)).collect::<Vec<_>>()
        };
        alerts.iter_mut().flat_map(of).collect()
    }

    fn of_itself(&self, net: Option<Net>, told: Milli) -> Option<Line> {
        let rule = format!("highwater-blind {}", self.rule);
        net.map(|net| Line { told, rule, entity: Entity::empty(), net })
    }
}

/// What an oracle knows beside what a rule says.
#[derive(Clone, Copy)]
pub struct World<'t> {
    pub truth: &'t Truth,
    /// When the alert of a cluster that cannot be reached speaks for all others.
    pub speaks: &'t [Spell],
}

/// One thing that is told.
#[derive(Clone, Debug)]
pub struct Line {
    pub told: Milli,
    pub rule: String,
    pub entity: Entity,
    pub net: Net,
}

/// `08:15:33.120 web-errors service=shop: fired critical (08:15:00)`
impl fmt::Display for Line {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, entity, net, .. } = self;
        let (told, tick) = (time(self.told).format("%H:%M:%S%.3f"), time(net.at).format("%H:%M:%S%.3f"));
        write!(to, "{told} {rule} {entity}: {} {} ({tick})", net.what, net.level)
    }
}
