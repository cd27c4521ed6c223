//! A machine that judges one alert the slow way: it keeps every look and counts back through them, so that it is easy to believe.
//!
//! Written from the rules, not from the product; it shares no code with it but the names of levels, kinds and endings.

use super::made::{Case, Look, Plan, Seen, Silence, Then};
use crate::model::{Ending, Kind, Level};

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub at: i64,
    pub kind: Kind,
    pub level: Level,
    pub since: i64,
    pub peak: Option<i64>,
    pub ending: Option<Ending>,
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Breach,
    Between,
    Clear,
}

/// One look as one level saw it, and whether the level was up afterwards.
#[derive(Clone, Copy)]
struct Shown {
    at: i64,
    side: Side,
    up: bool,
}

struct Slow<'a> {
    case: &'a Case,
    /// By level, mildest first.
    shown: Vec<Vec<Shown>>,
    told: Option<Level>,
    since: Option<i64>,
    peak: Option<i64>,
    events: Vec<Event>,
    known: bool,
    /// The newest look that counted had a number.
    spoke: bool,
    /// Nothing before this look is remembered.
    forgotten: usize,
}

pub fn judge(case: &Case) -> Vec<Event> {
    let shown = vec![Vec::new(); case.plans.len()];
    let mut slow = Slow {
        case,
        shown,
        told: None,
        since: None,
        peak: None,
        events: Vec::new(),
        known: false,
        spoke: false,
        forgotten: 0,
    };
    for (n, look) in case.looks.iter().enumerate() {
        slow.look(n, *look);
    }
    slow.events
}

impl Slow<'_> {
    fn look(&mut self, n: usize, look: Look) {
        match look.seen {
            Seen::Indeterminate | Seen::Unknown => return,
            Seen::Value(value) => {
                self.judge(look.at, Some(value), |plan| Some(self.case.side(plan, value)));
                self.spoke = true;
            }
            Seen::NoData => self.missing(n, look, self.case.no_data, Ending::NoData),
            Seen::Absent if !self.known => {
                self.forgotten = n + 1;
                return;
            }
            Seen::Absent => self.missing(n, look, self.case.absent, Ending::Vanished),
        }
        let open = self.told.is_some() || self.active();
        let quiet_counts = self.case.no_data.may_fire() || self.case.absent.may_fire();
        self.known = open || (quiet_counts && self.forgotten != n + 1);
    }

    fn missing(&mut self, n: usize, look: Look, silence: Silence, ending: Ending) {
        let Some(keep) = silence.keep else { return };
        let run = self.case.looks[self.forgotten..=n].iter().rev();
        let run = run.filter(|past| !matches!(past.seen, Seen::Unknown | Seen::Indeterminate));
        let start = run.take_while(|past| past.seen == look.seen).last().map_or(look.at, |first| first.at);
        let quiet = look.at - start;
        if quiet < keep {
            return;
        }
        match silence.then {
            Then::Resolve => self.close(n, look.at, ending),
            Then::Fire(_, Some(forget)) if quiet >= forget => self.close(n, look.at, ending),
            Then::Fire(worst, _) => {
                let (told, events) = (self.told, self.events.len());
                self.judge(look.at, None, |plan| (plan.level <= worst).then_some(Side::Breach));
                let spoke = std::mem::take(&mut self.spoke);
                if let (true, Some(level)) = (spoke && self.events.len() == events, told) {
                    let (since, peak) = (self.since.unwrap(), self.peak);
                    let kind = Kind::Reminded;
                    self.events.push(Event { at: look.at, kind, level, since, peak, ending: None });
                }
            }
        }
    }

    fn close(&mut self, n: usize, at: i64, ending: Ending) {
        if let (Some(level), Some(since)) = (self.told, self.since) {
            let peak = self.peak;
            self.events.push(Event { at, kind: Kind::Resolved, level, since, peak, ending: Some(ending) });
        }
        self.shown.iter_mut().for_each(Vec::clear);
        (self.told, self.since, self.peak) = (None, None, None);
        if ending == Ending::Vanished {
            self.forgotten = n + 1;
        }
    }

    fn judge(&mut self, at: i64, value: Option<i64>, side: impl Fn(&Plan) -> Option<Side>) {
        let mut takes_over = false;
        for (level, plan) in self.case.plans.iter().enumerate().rev() {
            let Some(side) = side(plan) else { continue };
            let was_up = self.is_up(level);
            let was_recovering = self.is_recovering(level);
            let waited = self.waited(level, at, side);
            let mut up = match side {
                Side::Breach if !was_up => waited >= plan.fire_after,
                Side::Clear if was_up => waited < plan.recover_after,
                _ => was_up,
            };
            up |= takes_over && side == Side::Breach;
            let fired_or_ended = was_up != up;
            let returned = was_recovering && up && side != Side::Clear;
            takes_over |= fired_or_ended || returned;
            self.shown[level].push(Shown { at, side, up });
        }
        self.tell(at, value);
    }

    /// How long this side has held without a break, each step between two looks counted at most as far as a look reaches.
    fn waited(&self, level: usize, at: i64, side: Side) -> i64 {
        let up = self.is_up(level);
        let mut later = at;
        let mut waited = 0;
        for past in self.shown[level].iter().rev() {
            if past.side != side || past.up != up {
                break;
            }
            waited += (later - past.at).min(self.case.reach);
            later = past.at;
        }
        waited
    }

    fn is_up(&self, level: usize) -> bool {
        self.shown[level].last().is_some_and(|last| last.up)
    }

    fn is_recovering(&self, level: usize) -> bool {
        self.shown[level].last().is_some_and(|last| last.up && last.side == Side::Clear)
    }

    fn is_pending(&self, level: usize) -> bool {
        self.shown[level].last().is_some_and(|last| !last.up && last.side == Side::Breach)
    }

    fn active(&self) -> bool {
        (0..self.shown.len()).any(|level| self.is_up(level) || self.is_pending(level))
    }

    fn tell(&mut self, at: i64, value: Option<i64>) {
        let peak_before = self.peak;
        if self.since.is_none() && self.active() {
            self.since = Some(at);
        }
        if self.since.is_some()
            && let Some(value) = value
        {
            self.peak = Some(self.peak.map_or(value, |peak| self.case.worse(peak, value)));
        }
        let highest = (0..self.shown.len()).rev().find(|level| self.is_up(*level));
        match highest {
            None => self.end(at, peak_before, value),
            Some(highest) if self.is_recovering(highest) => {}
            Some(highest) => self.move_to(at, highest),
        }
        if self.told.is_none() && !self.active() {
            (self.since, self.peak) = (None, None);
        }
    }

    fn end(&mut self, at: i64, peak: Option<i64>, value: Option<i64>) {
        let Some(level) = self.told.take() else { return };
        let since = self.since.unwrap();
        let ending = Some(Ending::Cleared);
        self.events.push(Event { at, kind: Kind::Resolved, level, since, peak, ending });
        // a level that is pending all the same begins an episode of its own
        (self.since, self.peak) = (Some(at), value);
    }

    fn move_to(&mut self, at: i64, highest: usize) {
        let level = self.case.plans[highest].level;
        let kind = match self.told {
            None => Kind::Fired,
            Some(told) if level > told => Kind::Raised,
            Some(told) if level < told => Kind::Lowered,
            Some(_) => return,
        };
        let undecided = (highest + 1..self.shown.len()).any(|above| self.is_pending(above));
        if kind == Kind::Lowered && undecided {
            return;
        }
        self.told = Some(level);
        let (since, peak) = (self.since.unwrap(), self.peak);
        self.events.push(Event { at, kind, level, since, peak, ending: None });
    }
}

impl Case {
    fn side(&self, plan: &Plan, value: i64) -> Side {
        let (value, when, clear) =
            if self.up { (value, plan.when, plan.clear) } else { (-value, -plan.when, -plan.clear) };
        if value >= when {
            Side::Breach
        } else if value < clear {
            Side::Clear
        } else {
            Side::Between
        }
    }

    fn worse(&self, a: i64, b: i64) -> i64 {
        if self.up { a.max(b) } else { a.min(b) }
    }
}
