//! Which alerts have to be told, and when: said from what happened, by somebody who knows none of the checks and nothing of the engine.

use std::{collections::BTreeMap, fmt};

use super::{
    alert::{Alert, Net, Verdict},
    blind::Blind,
    luck::Spell,
    truth::{BELL, DAY, MINUTE, Milli, Place, Truth, Weather, time},
};
use crate::model::{Entity, Level};

/// What is true of an entity at one look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Said {
    Number(f64),
    /// The number is this, or worse.
    AtLeast(f64),
    /// The number is this, or better.
    AtMost(f64),
    /// It is there, and says nothing.
    Silent,
    /// It is not there any more, or not yet.
    Gone,
    /// Nobody can tell.
    Unknown,
}

impl Said {
    /// A mere bound that decides nothing is nothing known.
    fn as_far_as_it_decides(self, rungs: &[Rung]) -> Self {
        match self {
            Self::AtLeast(number) if !rungs.iter().any(|rung| (rung.bad)(number)) => Self::Unknown,
            Self::AtMost(number) if rungs.iter().all(|rung| (rung.bad)(number)) => Self::Unknown,
            other => other,
        }
    }

    fn of(self, rung: &Rung) -> Verdict {
        match self {
            Self::Number(number) => {
                let bad = (rung.bad)(number);
                Some((bad, !bad && rung.good.is_none_or(|good| good(number))))
            }
            Self::AtLeast(number) => (rung.bad)(number).then_some((true, false)),
            Self::AtMost(number) => (!(rung.bad)(number)).then_some((false, true)),
            Self::Silent | Self::Gone | Self::Unknown => None,
        }
    }
}

/// What it means that somebody is silent or gone.
#[derive(Clone, Copy, Debug)]
pub struct Quiet {
    /// How an end for that reason is called.
    pub what: &'static str,
    /// Nothing before that; `None`: for ever nothing.
    pub after: Option<Milli>,
    /// The worst level that it fires; `None`: it ends.
    pub fires: Option<Level>,
}

/// When is looked, and when that is asked.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'b> {
    pub tick: Milli,
    pub asked: Milli,
    /// Those before it that could be judged: the tick, and when it was asked.
    pub before: &'b [(Milli, Milli)],
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

    /// Good only there, and neither good nor bad between.
    pub fn good(self, good: fn(f64) -> bool) -> Self {
        Self { good: Some(good), ..self }
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

type Tells<'t> = Box<dyn Fn(Milli, Milli) -> Vec<(Milli, Entity)> + 't>;
type Says<'t> = Box<dyn Fn(Moment<'_>) -> BTreeMap<Entity, Said> + 't>;

/// What one rule promises.
pub struct Promise<'t> {
    pub rule: &'static str,
    every: Milli,
    place: Place,
    windowed: bool,
    repeat: Option<Milli>,
    rungs: Vec<Rung>,
    silent: Quiet,
    gone: Quiet,
    says: Says<'t>,
    /// What happened once between two times.
    tells: Option<Tells<'t>>,
}

impl<'t> Promise<'t> {
    pub fn new(rule: &'static str, every: Milli, place: Place) -> Self {
        let silent = Quiet { what: "no_data", after: None, fires: None };
        let gone = Quiet { what: "vanished", after: Some(10 * MINUTE), fires: None };
        let says = Box::new(|_: Moment<'_>| BTreeMap::new());
        Self {
            rule,
            every,
            place,
            windowed: false,
            repeat: None,
            rungs: Vec::new(),
            silent,
            gone,
            says,
            tells: None,
        }
    }

    /// About a window of documents: what cannot be asked now is asked later.
    pub fn windowed(self) -> Self {
        Self { windowed: true, ..self }
    }

    /// Told again so long after it was told last.
    pub fn repeats(self, every: Milli) -> Self {
        Self { repeat: Some(every), ..self }
    }

    /// Who is silent for so long has ended.
    pub fn silent_for(mut self, after: Milli) -> Self {
        self.silent.after = Some(after);
        self
    }

    /// Who is gone for so long has ended.
    pub fn gone_for(mut self, after: Milli) -> Self {
        self.gone.after = Some(after);
        self
    }

    /// Who is gone fires at once.
    pub fn gone_fires(mut self, level: Level) -> Self {
        self.gone = Quiet { after: Some(0), fires: Some(level), ..self.gone };
        self
    }

    pub fn rung(mut self, rung: Rung) -> Self {
        self.rungs.push(rung);
        self
    }

    pub fn says(self, says: impl Fn(Moment<'_>) -> BTreeMap<Entity, Said> + 't) -> Self {
        Self { says: Box::new(says), ..self }
    }

    pub fn tells(self, tells: impl Fn(Milli, Milli) -> Vec<(Milli, Entity)> + 't) -> Self {
        Self { tells: Some(Box::new(tells)), ..self }
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
        let (mut before, mut bell) = (Vec::new(), BELL);
        for (asked, mut ticks) in self.looks(world.truth, lag) {
            while bell < asked {
                lines.extend(self.released(&mut alerts, bell, &mut held));
                lines.extend(self.reminders(&mut alerts, bell, world));
                bell += MINUTE;
            }
            lines.extend(self.released(&mut alerts, asked, &mut held));
            let newest = ticks[ticks.len() - 1];
            match world.truth.weather(self.place, asked) {
                Weather::Fine => {}
                // the cluster's own alert speaks for all that cannot be asked of it
                Weather::Away if self.place.is_main() => {
                    owed.extend(ticks.into_iter().filter(|_| self.windowed));
                    continue;
                }
                Weather::Away | Weather::Partial => {
                    owed.clear();
                    blind.sees_nothing(newest);
                    lines.extend(self.of_itself(blind.net(newest), asked));
                    continue;
                }
            }
            if self.windowed {
                ticks.splice(0..0, owed.drain(..));
            } else {
                ticks = vec![newest];
            }
            for tick in ticks {
                let said = (self.says)(Moment { tick, asked, before: &before });
                let of = |said: Said| said.as_far_as_it_decides(&self.rungs);
                let said = said.into_iter().map(|(entity, said)| (entity, of(said))).collect();
                blind.sees(tick, &said);
                self.look(&mut alerts, said, tick);
                let told_to = before.last().map_or(tick, |(before, _)| *before);
                lines.extend(self.events(told_to, tick, asked));
                before.push((tick, asked));
            }
            lines.extend(self.of_itself(blind.net(newest), asked));
            held = held.or(self.hushed(asked, world));
            if held.is_none() {
                lines.extend(self.news(&mut alerts, asked, None));
            }
        }
        while bell < DAY {
            lines.extend(self.released(&mut alerts, bell, &mut held));
            lines.extend(self.reminders(&mut alerts, bell, world));
            bell += MINUTE;
        }
        lines
    }

    /// Until when nothing is told of this rule.
    fn hushed(&self, at: Milli, world: World<'_>) -> Option<Milli> {
        let speaks = world.speaks.iter().filter(|_| self.place.is_main());
        let muted = world.truth.muted.iter().filter(|(rule, _)| *rule == self.rule);
        let mut spells = speaks.chain(muted.map(|(_, spell)| spell));
        spells.find(|spell| spell.holds(at)).map(|spell| spell.to)
    }

    /// What was held back until a time that has come.
    fn released(
        &self,
        alerts: &mut BTreeMap<Entity, Alert>,
        now: Milli,
        held: &mut Option<Milli>,
    ) -> Vec<Line> {
        let release = held.filter(|release| now >= *release);
        release.map(|release| self.news(alerts, release, held.take())).unwrap_or_default()
    }

    fn reminders(&self, alerts: &mut BTreeMap<Entity, Alert>, bell: Milli, world: World<'_>) -> Vec<Line> {
        let Some(repeat) = self.repeat.filter(|_| !world.truth.down.holds(bell)) else { return Vec::new() };
        let hushed = self.hushed(bell, world).is_some();
        let rings = |(entity, alert): (&Entity, &mut Alert)| {
            let net = alert.rings(repeat, bell, hushed)?;
            Some(Line { told: bell, rule: self.rule.to_owned(), entity: entity.clone(), net })
        };
        alerts.iter_mut().filter_map(rings).collect()
    }

    fn look(&self, alerts: &mut BTreeMap<Entity, Alert>, said: BTreeMap<Entity, Said>, tick: Milli) {
        let step = (tick, MINUTE.max(2 * self.every));
        for (entity, said) in said {
            let alert = match said {
                Said::Unknown => continue,
                Said::Silent | Said::Gone => alerts.get_mut(&entity),
                _ => Some(alerts.entry(entity).or_insert_with(|| Alert::new(&self.rungs))),
            };
            let Some(alert) = alert else { continue };
            match said {
                Said::Silent => alert.misses(&self.rungs, &self.silent, step),
                Said::Gone => alert.misses(&self.rungs, &self.gone, step),
                _ => {
                    alert.is_here();
                    alert.hears(&self.rungs, |rung| said.of(rung), step);
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

    fn events(&self, from: Milli, to: Milli, told: Milli) -> Vec<Line> {
        let happened = self.tells.as_ref().map(|tells| tells(from, to)).unwrap_or_default();
        let line = |(at, entity)| {
            let net = Net { what: "happened", level: Level::Info, at };
            Line { told, rule: self.rule.to_owned(), entity, net }
        };
        happened.into_iter().map(line).collect()
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
