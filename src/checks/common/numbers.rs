//! A number that is asked of documents: the words that `metric` and `spike` have for it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::is_field;
use crate::model::{
    Cause, Number, Reason,
    query::{Group, Metric as Ask, Search},
};

/// Its name inside a search.
pub const VALUE: &str = "value";

/// A percentile of a field.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Percentile {
    /// The field.
    pub field: String,
    /// Between 0 and 100: `99`, `99.9`.
    pub percent: f64,
}

/// What a rule says of it: at most one of them makes sense.
#[derive(Clone, Copy, Debug)]
pub struct Numbers<'a> {
    pub avg: &'a Option<String>,
    pub max: &'a Option<String>,
    pub min: &'a Option<String>,
    pub sum: &'a Option<String>,
    pub cardinality: &'a Option<String>,
    pub percentile: &'a Option<Percentile>,
}

/// What is asked for, in words and as a question: `average of took_ms`.
pub type Asked = (String, Ask);

impl Numbers<'_> {
    /// Empty or several where the rule names none or too many.
    pub fn asked(&self) -> Vec<Asked> {
        let mut asked = Vec::new();
        let mut add = |words: &str, field: &Option<String>, ask: fn(String) -> Ask| {
            asked.extend(field.iter().map(|field| (format!("{words} of {field}"), ask(field.clone()))));
        };
        add("average", self.avg, Ask::Avg);
        add("maximum", self.max, Ask::Max);
        add("minimum", self.min, Ask::Min);
        add("sum", self.sum, Ask::Sum);
        add("different values", self.cardinality, Ask::Cardinality);
        asked.extend(self.percentile.iter().map(|Percentile { field, percent }| {
            let ask = Ask::Percentile { field: field.clone(), percent: percent.to_string() };
            (format!("{percent}th percentile of {field}"), ask)
        }));
        asked
    }

    /// What is wrong with the one that is asked.
    pub fn complaint(&self, (_, ask): &Asked) -> Option<String> {
        let field = ask.field();
        if !is_field(field) {
            return Some(format!("`{field}` is no name of a field; write one like `took_ms`"));
        }
        let percent = self.percentile.as_ref().map(|percentile| percentile.percent)?;
        (!(percent > 0.0 && percent < 100.0))
            .then(|| format!("`percent` {percent} has to lie between 0 and 100"))
    }
}

/// The same search, with this number.
pub fn asking(mut search: Search, ask: Ask) -> Search {
    search.metrics.insert(VALUE.to_owned(), ask);
    search
}

/// The number of a group; `None` where no document has it.
pub fn value(group: &Group) -> Result<Option<Number>, Reason> {
    let lacking = || Reason::new(Cause::Malformed, format!("the answer has no metric `{VALUE}`"));
    group.metrics.get(VALUE).copied().ok_or_else(lacking)
}
