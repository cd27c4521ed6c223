//! Texts of authors, checked when they are loaded: that they compile, and speak only of what there is.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{at::At, complaint::Complaint};
use crate::model::{
    author::{About, Context, NAMES, OWN_WORDS},
    example,
    template::{self, Fault, Form},
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

/// Whether a template compiles, speaks of what there is, and comes to an end.
pub fn check(text: &At<String>, of_sink: bool) -> Result<String, Complaint> {
    let mut names = NAMES.to_vec();
    names.extend(of_sink.then_some(OWN_WORDS));
    let unknown = template::unknown(&text.value, &names).map_err(|why| text.error(why))?;
    if let Some(unknown) = unknown.first() {
        return Err(text.error(format!("a template knows {}", unknown.words())).hint(unknown.hint.clone()));
    }
    match endless(&text.value) {
        Some(why) => Err(text.error(format!("this template is too long: {why}")).hint(SHORTER)),
        None => Ok(text.value.clone()),
    }
}

const SHORTER: &str = "a text is a few lines, and most need no loop";

/// Why it would fail whatever it is told. What depends on an alert is seen only then.
fn endless(text: &str) -> Option<String> {
    let mut why = None;
    for notification in example::notifications() {
        let context = Context::of(About::of(&notification), notification.alerts.first()?);
        let Err(Fault::Endless(words)) = template::fill(text, &context, Form::Text) else { return None };
        why.get_or_insert(words);
    }
    why
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

    #[test]
    fn a_helper_that_is_none_and_a_text_without_end_are_told_when_loaded() {
        let wrong = check(&at("{% if count is odd %}{{ value | uper }}{% endif %}"), false).unwrap_err();
        assert_eq!(wrong.message, "a template knows no filter `uper`");
        assert_eq!(wrong.hint.as_deref(), Some("did you mean `upper`?"));
        let spin = "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}";
        let wrong = check(&at(spin), false).unwrap_err();
        assert!(wrong.message.contains("does not end within 20000 steps"), "{wrong:?}");
        let sometimes = format!("{{% if level == 'critical' %}}{spin}{{% endif %}}");
        assert!(check(&at(&sometimes), false).is_ok());
    }
}
