//! `alert_subject` and `alert_text` become `title` and `message`, as far as they speak of what an alert has.

use serde_json::Value;

use super::{
    old::{Old, scalar},
    part::Part,
    report::RuleReport,
};
use crate::model::{author::NAMES, template};

/// The rule's title as a template.
pub fn title(old: &Old<'_>, part: &Part, report: &mut RuleReport) -> Option<String> {
    let text = old.text("alert_subject")?;
    let made = match is_jinja(old) {
        true => jinja(old, part, text),
        false => formatted(old, part, text, Arguments::listed(old, "alert_subject_args")),
    };
    told("alert_subject", made, report)
}

/// The rule's message as a template.
pub fn message(old: &Old<'_>, part: &Part, report: &mut RuleReport) -> Option<String> {
    if old.get("jinja_template_path").is_some() {
        report.differs("`jinja_template_path`: the template's file is not read; put it into `message`");
        return None;
    }
    let text = old.text("alert_text")?;
    let made = match is_jinja(old) {
        true => jinja(old, part, text),
        false => {
            let listed = Arguments::listed(old, "alert_text_args");
            formatted(old, part, text, listed.or_else(|| Arguments::named(old)))
        }
    };
    told("alert_text", made, report)
}

fn told(key: &str, made: Result<Made, String>, report: &mut RuleReport) -> Option<String> {
    let mut unsaid = Vec::new();
    let made = made.and_then(|made| {
        unsaid.clone_from(&made.unsaid);
        made.whole()
    });
    let made = made.and_then(|text| match template::unknown(&text, &NAMES) {
        Ok(unknown) if unknown.is_empty() => Ok(text),
        Ok(unknown) => {
            let names: Vec<String> = unknown.into_iter().map(|one| one.name).collect();
            Err(format!("it speaks of `{}`", names.join("`, `")))
        }
        Err(why) => Err(why),
    });
    match made {
        Ok(text) => {
            if !unsaid.is_empty() {
                report.differs(format!("`{key}` says `{UNSAID}` in place of {}", not_of_an_alert(&unsaid)));
            }
            Some(text)
        }
        Err(why) => {
            report.differs(format!("`{key}` is left out: {why}"));
            None
        }
    }
}

/// What stands in a text where nothing is known.
const UNSAID: &str = "…";

/// A text in the making.
#[derive(Debug, Default)]
struct Made {
    text: String,
    /// Something besides what is not known.
    speaks: bool,
    /// Fields of the document that nothing here knows.
    unsaid: Vec<String>,
}

impl Made {
    /// Words between two places, as a template says them.
    fn words(&mut self, plain: &str, text: &str) {
        self.speaks |= plain.chars().any(char::is_alphanumeric);
        self.text.push_str(text);
    }

    fn place(&mut self, field: &str, meant: Option<String>) {
        self.speaks |= meant.is_some();
        self.text.push_str(meant.as_deref().unwrap_or(UNSAID));
        if meant.is_none() && !self.unsaid.iter().any(|known| known == field) {
            self.unsaid.push(field.to_owned());
        }
    }

    /// The text, if anything is left of it.
    fn whole(self) -> Result<String, String> {
        if self.speaks || self.unsaid.is_empty() { Ok(self.text) } else { Err(not_of_an_alert(&self.unsaid)) }
    }
}

fn not_of_an_alert(fields: &[String]) -> String {
    let is = if fields.len() == 1 { "is" } else { "are" };
    format!("`{}` of the matched document, which {is} not part of an alert", fields.join("`, `"))
}

fn is_jinja(old: &Old<'_>) -> bool {
    old.text("alert_text_type") == Some("alert_text_jinja")
}

/// What stands in the places of a Python text.
enum Arguments {
    Listed(Vec<String>),
    Named(Vec<(String, String)>),
}

impl Arguments {
    fn listed(old: &Old<'_>, key: &str) -> Option<Self> {
        old.get(key).is_some().then(|| Self::Listed(old.texts(key)))
    }

    fn named(old: &Old<'_>) -> Option<Self> {
        let map = old.get("alert_text_kw")?.as_object()?;
        let pair = |(field, name): (&String, &Value)| Some((scalar(name)?, field.clone()));
        Some(Self::Named(map.iter().filter_map(pair).collect()))
    }

    /// The field of a place: by number, by name, or the next one.
    fn field(&self, place: &str, next: &mut usize) -> Result<&str, String> {
        let wrong = || format!("it has no argument for `{{{place}}}`");
        match self {
            Self::Listed(fields) => {
                let at = if place.is_empty() {
                    *next += 1;
                    *next - 1
                } else {
                    place.parse().map_err(|_| wrong())?
                };
                fields.get(at).map(String::as_str).ok_or_else(wrong)
            }
            Self::Named(pairs) => {
                let found = pairs.iter().find(|(name, _)| name == place);
                found.map(|(_, field)| field.as_str()).ok_or_else(wrong)
            }
        }
    }
}

/// A text in Python's format: `{0} failed logins of {1}`. Without arguments it is taken as it is.
fn formatted(old: &Old<'_>, part: &Part, text: &str, arguments: Option<Arguments>) -> Result<Made, String> {
    let mut made = Made::default();
    let Some(arguments) = arguments else {
        made.words(text, &literal(text));
        return Ok(made);
    };
    let mut next = 0;
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(at);
        made.words(before, &literal(before));
        if let Some(doubled) = ["{{", "}}"].into_iter().find(|doubled| after.starts_with(doubled)) {
            made.words("", &literal(&doubled[..1]));
            rest = &after[2..];
            continue;
        }
        let end = after.find('}').filter(|_| after.starts_with('{')).ok_or("a brace of it stands alone")?;
        let place = after[1..end].split(['!', ':']).next().unwrap_or_default();
        let field = arguments.field(place, &mut next)?;
        made.place(field, meant(old, part, field));
        rest = &after[end + 1..];
    }
    made.words(rest, &literal(rest));
    Ok(made)
}

/// A Jinja text, where its places are plain names.
fn jinja(old: &Old<'_>, part: &Part, text: &str) -> Result<Made, String> {
    let mut made = Made::default();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        made.words(before, before);
        if after.starts_with("{%") || after.starts_with("{#") {
            return Err("it holds more of Jinja than names; write it anew as `message`".to_owned());
        }
        let Some(inside) = after.strip_prefix("{{") else {
            made.words("", "{");
            rest = &after[1..];
            continue;
        };
        let end = inside.find("}}").ok_or("a place of it does not end")?;
        let field = path(inside[..end].trim(), old)?;
        made.place(&field, meant(old, part, &field));
        rest = &inside[end + 2..];
    }
    made.words(rest, rest);
    Ok(made)
}

/// `user.name`, `_data["user.name"]`, `_data['user']['name']`: the field.
fn path(expression: &str, old: &Old<'_>) -> Result<String, String> {
    let root = old.text("jinja_root_name").unwrap_or("_data");
    let bare = expression.trim_matches('-').trim();
    let bare = bare.strip_prefix(root).filter(|rest| rest.starts_with(['.', '['])).unwrap_or(bare);
    let plain = bare.replace("\"]", "").replace("']", "").replace("[\"", ".").replace("['", ".");
    let plain = plain.trim_start_matches('.');
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@');
    if plain.is_empty() || !plain.chars().all(fine) {
        return Err(format!("`{expression}` is more of Jinja than a name; write it anew as `message`"));
    }
    Ok(plain.to_owned())
}

/// What a field of the match is of an alert: a label of its entity, a number, a word of the rule itself.
fn meant(old: &Old<'_>, part: &Part, field: &str) -> Option<String> {
    let per = old.query_key();
    let in_check = part.check.get("per").is_some();
    if in_check && per.iter().any(|key| key == field) {
        return Some(format!("{{{{ entity[{}] }}}}", Value::from(field)));
    }
    if in_check && per.len() > 1 && per.join(",") == field {
        let labels = per.iter().map(|key| format!("{{{{ entity[{}] }}}}", Value::from(key.clone())));
        return Some(labels.collect::<Vec<_>>().join(", "));
    }
    if let Some((_, number)) = part.numbers.iter().find(|(name, _)| name == field) {
        return Some(format!("{{{{ {number} }}}}"));
    }
    if field == old.text("timestamp_field").unwrap_or("@timestamp") {
        return Some("{{ at }}".to_owned());
    }
    if field == "name" {
        return Some(literal(&old.name()));
    }
    old.shown(field).filter(|_| is_harmless(field)).map(|value| literal(&value))
}

/// A rule's own options may stand in its texts, but for those that might be secrets.
fn is_harmless(key: &str) -> bool {
    const PUBLIC: [&str; 16] = [
        "description",
        "owner",
        "priority",
        "category",
        "index",
        "type",
        "num_events",
        "threshold",
        "max_threshold",
        "min_threshold",
        "max_percentage",
        "min_percentage",
        "max_cardinality",
        "min_cardinality",
        "spike_height",
        "cardinality_field",
    ];
    PUBLIC.contains(&key)
}

/// A text that is no template, in one.
fn literal(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '{' | '}' => out.push_str(&format!("{{{{ '{c}' }}}}")),
            c => out.push(c),
        }
    }
    out
}
