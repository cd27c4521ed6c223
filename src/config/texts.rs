//! Texts of authors, checked when they are loaded: that they compile, and speak only of what there is.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{at::At, complaint::Complaint, near};
use crate::model::{
    author::{NAMES, OWN_WORDS},
    template,
};

/// What one sink is told in place of the rules' own words. Templates, as `message` and `title` of a rule are.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinkTextsForm {
    /// In place of the summary, once for a whole message; it speaks of its worst alert.
    pub title: Option<At<String>>,
    /// In place of the rule's `message`, which it may speak of as `message`.
    pub message: Option<At<String>>,
}

/// Whether a template compiles and speaks of what there is.
pub fn check(text: &At<String>, of_sink: bool) -> Result<String, Complaint> {
    let mut names = NAMES.to_vec();
    names.extend(of_sink.then_some(OWN_WORDS));
    let unknown = template::unknown_names(&text.value, &names).map_err(|why| text.error(why))?;
    let Some(name) = unknown.first() else { return Ok(text.value.clone()) };
    let complaint = text.error(format!("a template knows no `{name}`"));
    Err(match near::hint(name, names) {
        Some(hint) => complaint.hint(hint),
        None => complaint,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> At<String> {
        At { value: text.to_owned(), place: crate::config::place::Place::default() }
    }

    #[test]
    fn a_template_speaks_of_what_there_is() {
        assert!(
            check(&at("{{ entity.node }}: {{ value }}, {{ facts.used_bytes | human_bytes }}"), false).is_ok()
        );
        let wrong = check(&at("{{ vlaue }}"), false).unwrap_err();
        assert!(format!("{wrong:?}").contains("did you mean `value`?"), "{wrong:?}");
        assert!(check(&at("{{ message }}"), false).is_err(), "it would speak of itself");
        assert!(check(&at("{{ message }}"), true).is_ok());
        assert!(check(&at("{{ value "), true).is_err());
    }
}
