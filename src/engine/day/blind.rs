//! A rule that sees nothing for five minutes says so.

use super::{
    alert::Net,
    truth::{MINUTE, Milli},
};
use crate::model::Level;

#[derive(Default)]
pub struct Blind {
    since: Option<Milli>,
    told: bool,
}

impl Blind {
    pub fn sees_nothing(&mut self, tick: Milli) -> Option<Net> {
        let since = *self.since.get_or_insert(tick);
        let news = !self.told && tick - since >= 5 * MINUTE;
        self.told |= news;
        news.then_some(Net { what: "fired", level: Level::Warning, at: tick })
    }

    pub fn sees(&mut self, tick: Milli) -> Option<Net> {
        let Self { told, .. } = std::mem::take(self);
        told.then_some(Net { what: "resolved", level: Level::Warning, at: tick })
    }
}
