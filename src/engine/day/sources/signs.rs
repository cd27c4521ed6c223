//! Signs that are sent: a backup that pings after every run, and notifications that are told one by one.

use serde_json::json;

use super::super::{
    luck::{Luck, is_in},
    oracle::{Moment, Promise, Rung, Said, one},
    truth::{DAY, Doc, HOUR, MINUTE, Milli, Place, SECOND, Truth, time},
};
use crate::model::{Entity, Level, heartbeat::Pings};

/// When the backup pinged.
pub fn pings(luck: &mut Luck) -> Vec<Milli> {
    let broken = luck.spells((5400, 20_000), (300, 4000));
    let mut pings = Vec::new();
    let mut at = 0;
    while at < DAY {
        at += luck.seconds(540, 660);
        if !is_in(&broken, at) {
            pings.push(at);
        }
    }
    pings
}

pub fn notifications(luck: &mut Luck) -> Vec<Doc> {
    let mut all = Vec::new();
    let mut at = -HOUR;
    while at < DAY {
        at += luck.seconds(1, 400);
        let service = luck.one_of(&["cart", "search"]);
        let fields = vec![("service", json!(service)), ("message", json!("something happened"))];
        all.push(Doc { at, shown: at + luck.pick(0, 28 * SECOND), fields });
    }
    all
}

impl Truth {
    /// Pings that come while nobody listens are lost.
    fn last_ping(&self, at: Milli) -> Option<Milli> {
        self.pings.iter().rfind(|ping| **ping <= at && !self.down.holds(**ping)).copied()
    }

    /// When the daemon was last started.
    fn started(&self, at: Milli) -> Milli {
        let starts = self.restarts.iter().chain([&self.down.to]);
        starts.filter(|start| **start <= at).max().copied().unwrap_or(0)
    }

    pub fn heard(&self, at: Milli) -> Pings {
        let alive = self.last_ping(at).map(time);
        Pings { alive, listening: Some(time(self.started(at))), ..Pings::default() }
    }

    /// Every ten minutes, five of grace; who may have pinged while nobody listened is spared until the next one is overdue.
    fn backup(&self, moment: Moment<'_>) -> Said {
        let looks = moment.before.iter().copied().chain([(moment.tick, moment.asked)]).collect::<Vec<_>>();
        let begin = looks[0].0;
        let last = |asked: Milli| self.last_ping(asked).map_or(begin, |ping| ping.max(begin));
        let mut spared = None;
        for pair in looks.windows(2) {
            let ((before, _), (_, asked)) = (pair[0], pair[1]);
            let (started, due) = (self.started(asked), last(asked) + 10 * MINUTE);
            if before < started && before <= due + 5 * MINUTE && due - 5 * MINUTE <= started {
                spared = Some(started + 15 * MINUTE);
            }
        }
        match moment.tick - last(moment.asked) {
            silent if silent <= 15 * MINUTE => Said::Number(0.0),
            _ if spared.is_some_and(|until| moment.tick < until) => Said::Silent,
            _ => Said::Number(1.0),
        }
    }
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let backup = Promise::new("backup", 5 * MINUTE, Place::Nowhere)
        .rung(Rung::new(Level::Critical, |down| down > 0.0))
        .says(move |moment| one(Entity::of("heartbeat", "backup"), truth.backup(moment)));
    let notifications = Promise::new("notifications", 2 * MINUTE, Place::Documents).tells(move |from, to| {
        let new = truth.documents("notifications-*", from, to).iter();
        new.map(|doc| (doc.at, Entity::of("service", doc.text("service")))).collect()
    });
    vec![backup, notifications]
}
