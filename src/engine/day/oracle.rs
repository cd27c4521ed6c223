//! Which alerts have to be told, and when: said from what happened, by somebody who knows none of the checks and nothing of the engine.

use std::{collections::BTreeMap, fmt};

use super::{
    alert::{Net, Verdict},
    flaps::TooOften,
    truth::{DAY, MINUTE, Milli, Place, Truth, time},
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
    /// Nobody can tell anything, of this entity or any other.
    Nothing,
}

impl Said {
    /// A mere bound that decides nothing is nothing known.
    pub fn as_far_as_it_decides(self, rungs: &[Rung]) -> Self {
        match self {
            Self::AtLeast(number) if !rungs.iter().any(|rung| (rung.bad)(number)) => Self::Unknown,
            Self::AtMost(number) if rungs.iter().all(|rung| (rung.bad)(number)) => Self::Unknown,
            other => other,
        }
    }

    pub fn of(self, rung: &Rung) -> Verdict {
        match self {
            Self::Number(number) => {
                let bad = (rung.bad)(number);
                Some((bad, !bad && rung.good.is_none_or(|good| good(number))))
            }
            Self::AtLeast(number) => (rung.bad)(number).then_some((true, false)),
            Self::AtMost(number) => (!(rung.bad)(number)).then_some((false, true)),
            Self::Silent | Self::Gone | Self::Unknown | Self::Nothing => None,
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
    pub every: Milli,
    pub place: Place,
    pub windowed: bool,
    pub repeat: Option<Milli>,
    pub rungs: Vec<Rung>,
    pub silent: Quiet,
    pub gone: Quiet,
    pub too_often: Option<TooOften>,
    pub says: Says<'t>,
    /// What happened once between two times.
    pub tells: Option<Tells<'t>>,
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
            too_often: None,
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

    /// Who comes and goes so often is told once that it does, and once when it settled.
    pub fn damped(self, (changes, within, settle): (usize, Milli, Milli)) -> Self {
        Self { too_often: Some(TooOften { changes, within, settle }), ..self }
    }

    /// Who is silent for so long has ended.
    pub fn silent_for(mut self, after: Milli) -> Self {
        self.silent.after = Some(after);
        self
    }

    /// Who is silent for so long fires.
    pub fn silence_fires(mut self, after: Milli, level: Level) -> Self {
        self.silent = Quiet { after: Some(after), fires: Some(level), ..self.silent };
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

    /// Every look of the day: when it is asked, and about which ticks; it is asked `lag` after its tick.
    pub fn looks(&self, truth: &Truth, lag: Milli) -> BTreeMap<Milli, Vec<Milli>> {
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
}

/// One thing that is told.
#[derive(Clone, Debug)]
pub struct Line {
    pub told: Milli,
    pub rule: String,
    pub entity: Entity,
    pub net: Net,
}

/// `08:15:33.120 web-errors service=shop: fired critical (08:15:00) flapping`
impl fmt::Display for Line {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, entity, net, .. } = self;
        let (told, tick) = (time(self.told).format("%H:%M:%S%.3f"), time(net.at).format("%H:%M:%S%.3f"));
        write!(to, "{told} {rule} {entity}: {} {} ({tick})", net.what, net.level)?;
        net.note.map_or(Ok(()), |note| write!(to, " {note}"))
    }
}
