//! The author's own words about an alert: compiled once when loaded, rendered within limits.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, value::Serde};
use serde::Serialize;

use super::{near, rule::RuleKey};
use crate::model::{Entity, Facts, Level, Time, Unit, notification::Change};

/// What a template may speak of.
pub const NAMES: [&str; 10] =
    ["entity", "value", "threshold", "unit", "level", "facts", "rule", "cluster", "since", "peak"];

/// What a template is told of one alert. Values are as people read them: `91 %`.
#[derive(Clone, Debug, Serialize)]
pub struct Context<'a> {
    entity: &'a Entity,
    value: Option<String>,
    threshold: Option<String>,
    unit: Option<Unit>,
    level: Level,
    facts: &'a Facts,
    rule: &'a str,
    cluster: &'a str,
    since: Time,
    peak: Option<String>,
}

impl<'a> Context<'a> {
    pub fn of(key: &'a RuleKey, change: &'a Change) -> Self {
        Self {
            entity: &change.entity,
            value: change.show_value(),
            threshold: change.show_threshold(),
            unit: change.unit,
            level: change.level,
            facts: &change.facts,
            rule: &key.rule,
            cluster: &key.cluster,
            since: change.since,
            peak: change.show_peak(),
        }
    }
}

/// Instructions of one rendering.
const FUEL: u64 = 20_000;
/// Bytes of one rendering.
const MAX_OUTPUT: usize = 64 * 1024;

/// Says what is wrong with a template before anybody needs it.
pub fn check(template: &str) -> Result<(), String> {
    let environment = environment();
    let compiled = environment.template_from_str(template).map_err(|error| words(&error))?;
    let mut unknown: Vec<String> = compiled.undeclared_variables(false).into_iter().collect();
    unknown.retain(|name| !NAMES.contains(&name.as_str()) && !is_function(&environment, name));
    unknown.sort();
    match unknown.first() {
        None => Ok(()),
        Some(name) => {
            let hint = near::hint(name, NAMES).unwrap_or_default();
            Err(format!("a message knows no `{name}`; {hint}"))
        }
    }
}

/// Renders a template that [`check`] has seen; the caller has its own words ready for when this fails.
pub fn render_message<C: Serialize>(template: &str, context: C) -> Result<String, String> {
    let environment = environment();
    let compiled = environment.template_from_str(template).map_err(|error| words(&error))?;
    let mut out = Capped::default();
    compiled
        .render_captured_to(minijinja::Value::from(Serde(&context)), &mut out)
        .map_err(|error| words(&error))?;
    String::from_utf8(out.bytes).map_err(|_| "the message is not UTF-8".to_owned())
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment
}

fn is_function(environment: &Environment<'_>, name: &str) -> bool {
    environment.globals().any(|(known, _)| known == name)
}

fn words(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!(" (line {line} of the template)")).unwrap_or_default();
    match error.detail() {
        Some(detail) => format!("{}: {detail}{line}", error.kind()),
        None => format!("{}{line}", error.kind()),
    }
}

/// A message is short: one that is not is a mistake.
#[derive(Default)]
struct Capped {
    bytes: Vec<u8>,
}

impl std::io::Write for Capped {
    fn write(&mut self, more: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + more.len() > MAX_OUTPUT {
            return Err(std::io::Error::other("a message is at most 64 KiB"));
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_speaks_of_its_alert() {
        let context = json!({ "entity": { "node": "es-1" }, "value": "91 %" });
        let template = "{{ entity.node }} has used {{ value }} <b>";
        assert_eq!(check(template), Ok(()));
        assert_eq!(render_message(template, context).unwrap(), "es-1 has used 91 % <b>");
    }

    #[test]
    fn a_name_that_nothing_gives_is_found_when_loaded() {
        assert!(check("{{ vlaue }}").unwrap_err().contains("did you mean `value`?"));
        assert!(check("{{ value ").is_err());
        assert_eq!(check("{% for i in range(3) %}{{ i }}{% endfor %}{{ facts.x | default(1) }}"), Ok(()));
        assert!(render_message("{{ entity.pod }}", json!({ "entity": {} })).is_err());
    }

    #[test]
    fn a_message_that_does_not_end_or_is_too_long_fails() {
        let spin = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}";
        assert!(render_message(spin, json!({})).is_err());
        let long = "{{ value * 70000 }}";
        let error = render_message(long, json!({ "value": "x" })).unwrap_err();
        assert!(error.len() < 300, "{error}");
        let flood = "{% for i in range(2000) %}{{ value }}{% endfor %}";
        assert!(render_message(flood, json!({ "value": "x".repeat(100) })).is_err());
    }

    #[test]
    fn a_template_reads_no_files() {
        assert!(render_message("{% include '/etc/passwd' %}", json!({})).is_err());
    }
}
