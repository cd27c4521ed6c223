//! One alert, as the rules of the language have it: slow, and easy to believe.

use super::{
    flaps::{Story, TooOften},
    oracle::{Quiet, Rung},
    truth::{MINUTE, Milli},
};
use crate::model::Level;

/// A change that is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Net {
    pub what: &'static str,
    pub level: Level,
    pub at: Milli,
    /// That it flaps or has settled, where it is said.
    pub note: Option<&'static str>,
}

impl Net {
    pub fn new(what: &'static str, level: Level, at: Milli) -> Self {
        Self { what, level, at, note: None }
    }
}

/// A rung is on its way up or down for so long already, and was last looked at then.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Latch {
    Down,
    Pending(Milli, Milli),
    Up,
    Easing(Milli, Milli),
}

impl Latch {
    fn is_up(self) -> bool {
        matches!(self, Self::Up | Self::Easing(..))
    }
}

/// Whether a rung is bad, and whether it is good; `None` where that is not known.
pub type Verdict = Option<(bool, bool)>;

/// What is open: since when, and at which level.
type Open = Option<(Milli, Level)>;

pub struct Alert {
    latches: Vec<Latch>,
    since: Option<Milli>,
    open: Open,
    /// What was told before this turn.
    told: Open,
    /// When it was last told, or would have been.
    told_at: Milli,
    /// It had a number when it was last looked at.
    spoke: bool,
    /// Since then it fires for being silent or gone, and not for that number any more.
    silenced: Option<Milli>,
    /// Silent or gone, and since when.
    quiet: Option<(&'static str, Milli)>,
    /// What changed since something was told, with the beginning of its episode.
    changes: Vec<(Milli, Net)>,
    too_often: Option<TooOften>,
    story: Story,
    /// It was said that it flaps, and not yet that it settled.
    said_to_flap: bool,
}

impl Alert {
    pub fn new(rungs: &[Rung], too_often: Option<TooOften>) -> Self {
        Self {
            latches: vec![Latch::Down; rungs.len()],
            since: None,
            open: None,
            told: None,
            told_at: 0,
            spoke: false,
            silenced: None,
            quiet: None,
            changes: Vec::new(),
            too_often,
            story: Story::default(),
            said_to_flap: false,
        }
    }

    /// Which rungs are bad or good at a tick, as far as that is known; a step between two looks adds at most `reach` to how long
    /// something lasts.
    pub fn hears(&mut self, rungs: &[Rung], said: impl Fn(&Rung) -> Verdict, (tick, reach): (Milli, Milli)) {
        let mut handed_down = false;
        for at in (0..rungs.len()).rev() {
            let (before, rung) = (self.latches[at], &rungs[at]);
            let Some((bad, good)) = said(rung) else { continue };
            let after =
                if handed_down && bad { Latch::Up } else { next(before, rung, (bad, good), (tick, reach)) };
            let ended = before.is_up() && after == Latch::Down;
            handed_down |= ended || (before != Latch::Up && after == Latch::Up);
            self.latches[at] = after;
        }
        let quiet = self.latches.iter().all(|latch| *latch == Latch::Down);
        if !quiet {
            self.since.get_or_insert(tick);
        }
        self.announce(rungs, tick);
        if quiet {
            self.since = None;
        }
    }

    /// It says nothing, or is gone, for so long that its rule does something about it.
    pub fn misses(&mut self, rungs: &[Rung], quiet: &Quiet, (tick, reach): (Milli, Milli)) {
        let since = self.quiet.filter(|(what, _)| *what == quiet.what).map_or(tick, |(_, since)| since);
        self.quiet = Some((quiet.what, since));
        match (quiet.after.is_some_and(|after| tick - since >= after), quiet.fires) {
            (false, _) => {}
            (true, Some(worst)) => {
                let before = self.open;
                self.hears(rungs, |rung| (rung.level <= worst).then_some((true, false)), (tick, reach));
                if std::mem::take(&mut self.spoke) && before.is_some() && before == self.open {
                    (self.told_at, self.silenced) = (tick, self.silenced.or(Some(tick)));
                }
            }
            (true, None) => {
                self.latches.fill(Latch::Down);
                self.since = None;
                self.ends(quiet.what, tick);
            }
        }
    }

    pub fn is_here(&mut self) {
        (self.quiet, self.spoke) = (None, true);
    }

    /// Nobody is told now: that it went silent is not told later.
    pub fn is_unheard(&mut self) {
        self.silenced = None;
    }

    fn announce(&mut self, rungs: &[Rung], tick: Milli) {
        let highest = (0..rungs.len()).rev().find(|at| self.latches[*at].is_up());
        let since = self.since.unwrap_or(tick);
        let Some(highest) = highest else {
            if self.ends("resolved", tick) {
                // a rung that is pending begins an episode of its own
                self.since = self.latches.iter().any(|latch| *latch != Latch::Down).then_some(tick);
            }
            return;
        };
        let level = rungs[highest].level;
        let undecided = self.latches[highest..].iter().any(|latch| matches!(latch, Latch::Pending(..)));
        let what = match self.open {
            _ if self.latches[highest] != Latch::Up => return,
            None => "fired",
            Some((_, known)) if known < level => "raised",
            Some((_, known)) if known > level && !undecided => "lowered",
            Some(_) => return,
        };
        (self.open, self.told_at) = (Some((since, level)), tick);
        self.changes.push((since, Net::new(what, level, tick)));
        if what == "fired" {
            self.story.fires(tick);
        }
    }

    fn ends(&mut self, what: &'static str, tick: Milli) -> bool {
        let Some((since, level)) = self.open.take() else { return false };
        self.changes.push((since, Net::new(what, level, tick)));
        self.story.ends(tick);
        true
    }

    fn flaps(&self, now: Milli) -> bool {
        self.too_often.is_some_and(|limit| self.story.is_restless(&limit, now))
    }

    /// When that is due to be said, if it was said to flap.
    pub fn settles(&self) -> Option<Milli> {
        self.too_often.filter(|_| self.said_to_flap).map(|limit| self.story.settles(&limit))
    }

    /// It still fires, and nothing was told of it for so long. While nobody is told, its clock goes on.
    pub fn rings(&mut self, repeat: Milli, at: Milli, hushed: bool) -> Option<Net> {
        let (_, level) = self.open?;
        let highest = self.latches.iter().rev().find(|latch| latch.is_up());
        if highest != Some(&Latch::Up) || at - self.told_at < repeat {
            return None;
        }
        self.told_at = at;
        let is_news = self.told != self.open || self.flaps(at);
        (!hushed && !is_news).then_some(Net::new("reminded", level, at))
    }

    /// What somebody has to hear at `now` who knows what was told before: what came and went is one line, and so is what came to stay.
    /// What was `withheld` until now is told as it is then, or as of its tick if that is less than a minute ago; what came and went
    /// meanwhile is not told at all. Who was told that it flaps hears no more of it before it is worse than that, or has settled.
    pub fn net(&mut self, now: Milli, withheld: bool) -> Vec<Net> {
        let level = |open: Open| open.map(|(_, level)| level);
        let silenced = self.silenced.take();
        let flaps = self.flaps(now);
        if flaps && self.said_to_flap && self.told.is_some() && level(self.open) <= level(self.told) {
            return Vec::new();
        }
        let changes = std::mem::take(&mut self.changes);
        let known = std::mem::replace(&mut self.told, self.open);
        let mut nets = ends(&changes, known, withheld || flaps && known.is_some());
        if let Some(mut rise) = self.rise(&changes, known) {
            let late = withheld && now - rise.at >= MINUTE;
            rise.at = if late { now } else { rise.at };
            rise.note = Some("flapping").filter(|_| flaps && rise.what != "lowered");
            nets.push(rise);
        }
        if self.said_to_flap && !flaps {
            if let Some((_, level)) = self.open.filter(|_| nets.is_empty() && known.is_some()) {
                nets.push(Net::new("reminded", level, now));
            }
            if let Some(first) = nets.first_mut() {
                first.note = Some("settled");
            }
        }
        if let (Some(at), Some((_, level)), true) = (silenced, self.open, nets.is_empty() && !flaps) {
            nets.extend((known == self.open).then_some(Net::new("reminded", level, at)));
        }
        self.said_to_flap = flaps && self.open.is_some() && (self.said_to_flap || !nets.is_empty());
        nets
    }

    /// What became of the one that is open, as against what is known.
    fn rise(&self, changes: &[(Milli, Net)], known: Open) -> Option<Net> {
        let (episode, level) = self.open?;
        let (_, last) = changes.iter().rev().find(|(since, _)| *since == episode)?;
        let what = match known.filter(|(since, _)| *since == episode) {
            None => "fired",
            Some((_, known)) if known < level => "raised",
            Some((_, known)) if known > level => "lowered",
            Some(_) => return None,
        };
        Some(Net::new(what, level, last.at))
    }
}

/// What ended, at the level that is known of it.
fn ends(changes: &[(Milli, Net)], known: Open, only_known: bool) -> Vec<Net> {
    let mut nets = Vec::new();
    for (since, net) in changes.iter().filter(|(_, net)| !["fired", "raised", "lowered"].contains(&net.what))
    {
        let known = known.filter(|(episode, _)| episode == since);
        if known.is_some() || !only_known {
            nets.push(Net { level: known.map_or(net.level, |(_, level)| level), ..*net });
        }
    }
    nets
}

fn next(before: Latch, rung: &Rung, (bad, good): (bool, bool), (tick, reach): (Milli, Milli)) -> Latch {
    let older = |waited: Milli, seen: Milli| waited + (tick - seen).min(reach);
    let rising = |waited| if waited >= rung.lasting { Latch::Up } else { Latch::Pending(waited, tick) };
    let ending = |waited| if waited >= rung.easing { Latch::Down } else { Latch::Easing(waited, tick) };
    match before {
        Latch::Down if bad => rising(0),
        Latch::Pending(waited, seen) if bad => rising(older(waited, seen)),
        Latch::Down | Latch::Pending(..) => Latch::Down,
        Latch::Up if good => ending(0),
        Latch::Easing(waited, seen) if good => ending(older(waited, seen)),
        Latch::Up | Latch::Easing(..) => Latch::Up,
    }
}
