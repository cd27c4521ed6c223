use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::{
    checks::common::documents::is_field,
    model::{
        Finding, Number, Reading,
        query::Metric as Ask,
        span::{self, Span},
    },
};

/// How fast a field grows or falls: its number in the window less the one in the window before, per time.
///
/// The number is the average of the field, or its maximum where it is a counter.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Derivative {
    /// The field.
    pub field: String,
    /// Per how much time: a growth of 600 in ten minutes is 60 with `1m`, and 1 with `1s`.
    #[serde(default = "minute")]
    pub each: Span,
    /// The field only ever grows, and begins again at 0 now and then: a fall is such a beginning, and what it has grown to since
    /// is the growth. A counter never reads below 0.
    #[serde(default)]
    pub counter: bool,
}

fn minute() -> Span {
    Span(Duration::from_secs(60))
}

impl Derivative {
    /// What is asked for in each window, in words.
    pub fn asked(&self) -> (String, Ask) {
        let field = self.field.clone();
        let words = format!("growth of {field} per {}", span::show(self.each.0));
        (words, if self.counter { Ask::Max(field) } else { Ask::Avg(field) })
    }

    pub fn complaint(&self) -> Option<String> {
        if !is_field(&self.field) {
            return Some(format!("`{}` is no name of a field; write one like `bytes_total`", self.field));
        }
        self.each.0.is_zero().then(|| "`each` is 0; write per how much time, like `1m`".to_owned())
    }

    /// The reading of the window becomes that of its growth over the window before.
    pub fn finding(&self, now: Reading, before: Number, window: Span) -> Finding {
        let growth = self.growth(now.value, before);
        let per = growth * self.each.0.as_secs_f64() / window.0.as_secs_f64();
        let Some(value) = Number::finite(per) else {
            return Finding::NoData("the growth is beyond what a number can be".to_owned());
        };
        let reading = now.clone().fact("now", json!(now.value)).fact("before", json!(before));
        Finding::Value(Reading { value, ..reading })
    }

    /// Whole numbers are subtracted as such: a small growth of a huge counter is not lost.
    fn growth(&self, now: Number, before: Number) -> f64 {
        if self.counter && now < before {
            return now.as_f64().max(0.0);
        }
        match (now, before) {
            (Number::Int(now), Number::Int(before)) => (i128::from(now) - i128::from(before)) as f64,
            _ => now.as_f64() - before.as_f64(),
        }
    }
}
