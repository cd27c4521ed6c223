//! What a type of ElastAlert becomes: one highwater check with its threshold, or two where it looks both ways.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{filters, index, old::Old, old::shown, report::RuleReport};

/// One rule to be.
#[derive(Clone, Debug)]
pub struct Part {
    /// What the second of two is called beside its sister.
    pub suffix: String,
    pub kind: &'static str,
    pub check: Map<String, Value>,
    /// `at least 5`
    pub when: String,
    pub silence: Silence,
    /// It is about single documents: the alert stays open for `realert`, as ElastAlert is silent for so long.
    pub holds: bool,
    /// A description of the old rule speaks of its sister.
    pub is_low: bool,
    /// What ElastAlert's names for numbers mean here: `num_hits` is the value of a count.
    pub numbers: Vec<(String, &'static str)>,
}

/// What it means that there is nothing to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Nothing matched: what was open is over.
    Clear,
    /// Nothing is too little.
    Fires,
}

impl Part {
    pub fn new(kind: &'static str, check: Map<String, Value>, when: String) -> Self {
        Self {
            suffix: String::new(),
            kind,
            check,
            when,
            silence: Silence::Clear,
            holds: false,
            is_low: false,
            numbers: Vec::new(),
        }
    }

    pub fn called(mut self, suffix: impl Into<String>) -> Self {
        self.suffix = suffix.into();
        self
    }

    /// The second of two, which tells that a number is too low where the first tells that it is too high.
    pub fn falling_short(self) -> Self {
        Self { is_low: true, ..self.called("-low") }
    }

    pub fn firing_in_silence(mut self) -> Self {
        self.silence = Silence::Fires;
        self
    }

    pub fn holding(mut self) -> Self {
        self.holds = true;
        self
    }

    pub fn with_number(mut self, name: impl Into<String>, means: &'static str) -> Self {
        self.numbers.push((name.into(), means));
        self
    }
}

/// What every kind over documents begins with: index, time field, window, filter and groups.
pub fn documents(
    old: &Old<'_>,
    window: Duration,
    per: &[String],
    report: &mut RuleReport,
) -> Result<Map<String, Value>, String> {
    let mut check = Map::new();
    check.insert("index".to_owned(), Value::from(index::pattern(old, report)?));
    let field = old.text("timestamp_field").unwrap_or("@timestamp");
    if field != "@timestamp" {
        check.insert("time_field".to_owned(), Value::from(field));
    }
    check.insert("window".to_owned(), Value::from(shown(window)));
    if let Some(filter) = filters::of(old, report)? {
        check.insert("filter".to_owned(), filter);
    }
    if !per.is_empty() {
        check.insert("per".to_owned(), Value::from(per.to_vec()));
    }
    Ok(check)
}

/// The groups of a type that reads documents one by one.
pub fn groups_of_documents(old: &Old<'_>, report: &mut RuleReport) -> Vec<String> {
    let per = old.query_key();
    if !per.is_empty() {
        report.differs(format!(
            "documents without `{}` make a group of their own in ElastAlert; here they are in none",
            per.join("` and `")
        ));
    }
    per
}

/// The groups of a type that asks for an aggregation.
pub fn groups_of_terms(old: &Old<'_>, report: &mut RuleReport) -> Vec<String> {
    let per = old.query_key();
    if !per.is_empty() {
        let size = old.shown("terms_size").unwrap_or_else(|| "50".to_owned());
        report.differs(format!(
            "every group is judged; ElastAlert looks at the {size} largest (`terms_size`) alone"
        ));
    }
    per
}
