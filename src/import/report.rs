//! What became of each rule, in words.

use serde::Serialize;

use super::{old::Old, secrets::Variable};

/// How near a translation comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It finds the same, at the same looks.
    Exact,
    /// It differs in what `differences` says.
    Approximated,
    /// There is no highwater rule for it; `why` says the reason.
    Impossible,
}

impl Verdict {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Approximated => "approximated",
            Self::Impossible => "impossible",
        }
    }
}

/// What became of all of them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub rules: Vec<RuleReport>,
    /// The environment variables that the new settings ask for.
    pub variables: Vec<Variable>,
    /// What the global configuration says that has no place here.
    pub notes: Vec<String>,
}

/// What became of one rule.
#[derive(Clone, Debug, Serialize)]
pub struct RuleReport {
    pub file: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub verdict: Verdict,
    /// Ids of the rules that it became.
    pub rules: Vec<String>,
    pub differences: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What differs for every rule, by what highwater is.
pub const EVERYWHERE: [&str; 7] = [
    "An alert lasts: it is told when it begins, every `repeat` (from the rule's `realert`), and when it ends. ElastAlert tells every match.",
    "Looks lie on a grid (`every 1m` is every full minute), and each is judged by the documents of its window alone: there is no warm-up after a start.",
    "A document that arrives later than `query_delay` (30s where the rule has none) after its time is not seen; ElastAlert looks back `buffer_time`.",
    "Fields of `per` have to be aggregatable, like keywords and numbers; ElastAlert reads most of them from the document. Where a field is text, write its `.keyword`; the same holds for what a list is compared with.",
    "A search that fails, or is answered in part, proves nothing and changes nothing: the rule says so itself when that lasts.",
    "Where no index matches the pattern, nothing is proven either: the rule is blind, and says so after `blind.after` (5m). ElastAlert counts no documents then, and a `flatline` matches.",
    "A message says value, threshold, cause and next step; it does not list the fields of the matched document.",
];

impl RuleReport {
    pub fn new(old: &Old<'_>) -> Self {
        Self::of(old.file, &old.name(), old.kind())
    }

    fn of(file: &str, name: &str, kind: &str) -> Self {
        Self {
            file: file.to_owned(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            verdict: Verdict::Exact,
            rules: Vec::new(),
            differences: Vec::new(),
            why: None,
        }
    }

    pub fn unreadable(file: &str, why: &str) -> Self {
        let mut report = Self::of(file, &super::names::stem(file), "");
        report.is_impossible(why.to_owned());
        report
    }

    pub fn twice(file: &str, name: &str, first: &str) -> Self {
        let mut report = Self::of(file, name, "");
        report.is_impossible(format!("`{first}` has this name already: ElastAlert refuses it too"));
        report
    }

    pub fn is_impossible(&mut self, why: String) {
        self.verdict = Verdict::Impossible;
        self.why = Some(why);
        self.differences.clear();
    }

    /// Something that is not the same. Said twice, it is told once.
    pub fn differs(&mut self, words: impl Into<String>) {
        let words = words.into();
        self.verdict = self.verdict.max(Verdict::Approximated);
        if !self.differences.contains(&words) {
            self.differences.push(words);
        }
    }
}
