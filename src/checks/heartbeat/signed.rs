//! What documents say, and what a look remembers to be fair: since when it looks, and whether there ever was one.

use serde::{Deserialize, Serialize};

use super::{Heartbeat, Sign, shown};
use crate::{
    checks::{
        Look, Memory,
        common::{documents::NEWEST, found},
    },
    model::{
        Entity, Finding, Number, Reading, Reason, Time, Unit, Window,
        query::{Group, Response},
        span,
        time::elapsed,
    },
};

/// What one look leaves to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The first look of all.
    since: Time,
    /// There was a sign of life, however long ago.
    pub ever: bool,
}

/// All the time before the window.
pub fn before(look: &Look) -> Window {
    Window { start: Time::default(), end: look.window.start }
}

impl Heard {
    pub fn of(memory: &Memory, look: &Look) -> Self {
        let kept = serde_json::from_value(memory.0.clone()).ok();
        kept.unwrap_or(Self { since: look.window.end, ever: false })
    }

    pub fn memory(&self) -> Memory {
        Memory(serde_json::to_value(self).unwrap_or_default())
    }

    /// Silence fires, but of whom there never was a sign only once it was waited for.
    pub fn judge(
        &mut self,
        (of, sign): (&Heartbeat, &Sign),
        look: &Look,
        answers: &[Result<Response, Reason>],
    ) -> Result<Finding, Reason> {
        let group = whole(answers, 0)?;
        let is_alive = group.total > 0;
        let mut newest = date(&group);
        if !is_alive && !self.ever {
            let earlier = whole(answers, 1)?;
            self.ever = earlier.total > 0;
            newest = date(&earlier);
        }
        self.ever |= is_alive;
        let waited = elapsed(self.since, look.window.end);
        if !self.ever && waited < of.patience() {
            let waits = span::show(of.patience() - waited);
            let words =
                format!("no document in `{}` was a sign of life yet; it has {waits} more", sign.index);
            return Ok(Finding::NoData(words));
        }
        let reading = Reading::new(Number::Int(i64::from(!is_alive)), Unit::Liveness)
            .fact("index", sign.index.clone())
            .fact("documents", group.total)
            .fact("window", span::show(of.patience()));
        Ok(Finding::Value(match newest {
            Some(newest) => reading.fact("last", shown(newest)),
            None => reading,
        }))
    }
}

fn whole(answers: &[Result<Response, Reason>], at: usize) -> Result<Group, Reason> {
    Ok(found(answers, at)?.groups.get(&Entity::empty()).cloned().unwrap_or_default())
}

fn date(group: &Group) -> Option<Time> {
    let newest = group.metrics.get(NEWEST).copied().flatten()?;
    Time::from_timestamp_millis(newest.as_f64() as i64)
}
