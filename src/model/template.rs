//! Texts with places to fill in, written by people: compiled when loaded, rendered within limits.
//!
//! | helper | makes |
//! |---|---|
//! | `facts.used_bytes \| human_bytes` | `430 GB` |
//! | `90 \| duration` | `1m 30s`, from seconds |
//! | `0.123 \| percent` | `12.3 %`, from a share |
//! | `link(url, text)` | a link where the sink has links, else `text (url)` |

mod unknown;

use std::sync::{Arc, Mutex, PoisonError};

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, escape_formatter, value::Serde,
};
use serde::Serialize;

use super::{
    notification::Link,
    number::{Number, show_bytes},
    span,
};

pub use self::unknown::{Sort, Unknown, unknown};

/// Instructions of one rendering.
const FUEL: u64 = 20_000;
/// Bytes of one rendering.
const MAX_OUTPUT: usize = 64 * 1024;

/// What the text is put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people; each sink escapes it as its service wants.
    Text,
    /// A JSON document: whatever is filled in becomes a JSON value, quotes included.
    Json,
}

/// A text that was filled in, and the links that its author made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    pub text: String,
    pub links: Vec<Link>,
}

/// Why a template was not filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It takes too long, or makes too much.
    Endless(String),
    /// Anything else: it may be the fault of what it was given.
    Other(String),
}

impl Fault {
    pub fn words(self) -> String {
        let (Self::Endless(why) | Self::Other(why)) = self;
        why
    }
}

/// Fills in a template; the caller has words of its own ready for when this fails.
pub fn render<C: Serialize>(template: &str, context: &C, form: Form) -> Result<Rendered, String> {
    fill(template, context, form).map_err(Fault::words)
}

/// The same for whoever asks what kind of failure it is.
pub fn fill<C: Serialize>(template: &str, context: &C, form: Form) -> Result<Rendered, Fault> {
    let links = Links::default();
    let environment = environment(form, &links);
    let name = if form == Form::Json { "body.json" } else { "body.txt" };
    let compiled = environment.template_from_named_str(name, template).map_err(|error| fault(&error))?;
    let mut out = Capped::default();
    compiled
        .render_captured_to(minijinja::Value::from(Serde(context)), &mut out)
        .map_err(|error| fault(&error))?;
    let text = String::from_utf8(out.bytes).map_err(|_| Fault::Other("the text is not UTF-8".to_owned()))?;
    let links = std::mem::take(&mut *links.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Rendered { text, links })
}

type Links = Arc<Mutex<Vec<Link>>>;

fn environment(form: Form, links: &Links) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(move |_| match form {
        Form::Text => AutoEscape::None,
        Form::Json => AutoEscape::Json,
    });
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(move |out, state, value| {
        // people read nothing where there is nothing; a JSON document says `null`
        if form == Form::Text && value.is_none() { Ok(()) } else { escape_formatter(out, state, value) }
    });
    environment.add_filter("human_bytes", |bytes: f64| show_bytes(bytes));
    environment.add_filter("duration", show_duration);
    environment.add_filter("percent", show_percent);
    let links = links.clone();
    environment.add_function("link", move |url: String, text: Option<String>| make_link(&links, url, text));
    environment
}

fn show_duration(seconds: f64) -> Result<String, Error> {
    let span = std::time::Duration::try_from_secs_f64(seconds);
    let span =
        span.map_err(|_| Error::new(ErrorKind::InvalidOperation, "`duration` takes seconds, from 0 on"))?;
    Ok(span::show(span))
}

fn show_percent(share: f64) -> Result<String, Error> {
    let percent = Number::finite((share * 100_000.0).round() / 1000.0);
    let percent =
        percent.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "`percent` takes a number"))?;
    Ok(format!("{percent} %"))
}

/// What a document holds may stand in a link, but never makes another one.
fn make_link(links: &Links, url: String, text: Option<String>) -> Result<String, Error> {
    let harmless =
        url.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '|' | '"' | '\\' | '`'));
    if !harmless || !(url.starts_with("https://") || url.starts_with("http://")) {
        let why = "`link` takes a URL that begins with `https://`, without spaces or quotes";
        return Err(Error::new(ErrorKind::InvalidOperation, why));
    }
    let link = Link { text: text.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| url.clone()), url };
    let plain = link.plain();
    links.lock().unwrap_or_else(PoisonError::into_inner).push(link);
    Ok(plain)
}

fn fault(error: &Error) -> Fault {
    let line = error.line().map(|line| format!(" (line {line} of the template)")).unwrap_or_default();
    match error.kind() {
        ErrorKind::OutOfFuel => Fault::Endless(format!("it does not end within {FUEL} steps{line}")),
        ErrorKind::WriteFailure => {
            Fault::Endless(format!("its text is longer than {MAX_OUTPUT} bytes{line}"))
        }
        _ => Fault::Other(words(error)),
    }
}

fn words(error: &Error) -> String {
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
            return Err(std::io::ErrorKind::FileTooLarge.into());
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

    fn text(template: &str, context: serde_json::Value) -> Result<String, String> {
        render(template, &context, Form::Text).map(|rendered| rendered.text)
    }

    #[test]
    fn a_text_speaks_of_its_alert() {
        let context = json!({ "entity": { "node": "es-1" }, "value": "91 %", "message": null });
        let template = "{{ entity.node }} has used {{ value }} <b>{{ message }}";
        assert_eq!(unknown(template, &["entity", "value", "message"]), Ok(vec![]));
        assert_eq!(text(template, context).unwrap(), "es-1 has used 91 % <b>");
    }

    #[test]
    fn helpers_write_numbers_as_people_read_them() {
        let context = json!({ "bytes": 461_708_984_320_u64, "seconds": 3900, "share": 0.12345 });
        let template = "{{ bytes | human_bytes }}, {{ seconds | duration }}, {{ share | percent }}";
        assert_eq!(text(template, context).unwrap(), "430 GB, 1h 5m, 12.35 %");
        assert!(text("{{ 'x' | duration }}", json!({})).is_err());
        assert!(text("{{ -1 | duration }}", json!({})).is_err());
    }

    #[test]
    fn a_link_is_the_authors_alone() {
        let context = json!({ "name": "a|b", "evil": "javascript:alert(1)", "odd": "https://a|<!channel>" });
        let rendered = render("see {{ link('https://wiki/x', name) }}", &context, Form::Text).unwrap();
        assert_eq!(rendered.text, "see a|b (https://wiki/x)");
        assert_eq!(rendered.links, [Link { text: "a|b".to_owned(), url: "https://wiki/x".to_owned() }]);
        assert!(text("{{ link(evil, 'x') }}", context.clone()).is_err());
        assert!(text("{{ link(odd, 'x') }}", context).is_err());
    }

    #[test]
    fn json_stays_json_whatever_is_filled_in() {
        for nasty in ["\"", "\\", "\n\u{1b}</script>", "{{ x }}", "\u{2028}"] {
            let body =
                render("{\"text\": {{ x }}, \"n\": {{ n }}}", &json!({ "x": nasty, "n": 1 }), Form::Json);
            let parsed: serde_json::Value = serde_json::from_str(&body.unwrap().text).unwrap();
            assert_eq!(parsed, json!({ "text": nasty, "n": 1 }));
        }
    }

    #[test]
    fn a_text_that_does_not_end_or_is_too_long_fails() {
        let spin = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}";
        assert!(matches!(fill(spin, &json!({}), Form::Text), Err(Fault::Endless(_))));
        let error = text("{{ value * 70000 }}", json!({ "value": "x" })).unwrap_err();
        assert!(error.len() < 300, "{error}");
        let flood = "{% for i in range(2000) %}{{ value }}{% endfor %}";
        let flooded = fill(flood, &json!({ "value": "x".repeat(100) }), Form::Text);
        let Err(Fault::Endless(why)) = flooded else { panic!("{flooded:?}") };
        assert!(why.starts_with("its text is longer than 65536 bytes"), "{why}");
        assert!(matches!(fill("{{ no.such }}", &json!({}), Form::Text), Err(Fault::Other(_))));
    }

    #[test]
    fn whatever_people_write_ends_in_a_text_or_in_words_about_it() {
        let pieces = [
            "{{",
            "}}",
            "{%",
            "%}",
            " for i in range(9999) ",
            " endfor ",
            " if ",
            " endif ",
            "value",
            "facts.x",
            "|",
            "(",
            ")",
            "'",
            " * 9999999",
            " ~ ",
            "[0]",
            ".a.b",
            "link(value)",
            "percent",
            "include 'x'",
            "macro m()",
            "m()",
            "\u{0}",
            "é",
            "\n",
            "#}",
        ];
        let context = json!({ "value": "91 %", "facts": { "x": [null, -1, "{{ value }}"] } });
        for seed in 0..2000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let template: String =
                (0..random.u8(1..20)).map(|_| pieces[random.usize(..pieces.len())]).collect();
            match render(&template, &context, Form::Text) {
                Ok(rendered) => assert!(rendered.text.len() <= MAX_OUTPUT),
                Err(why) => assert!(!why.is_empty() && why.len() < 1000, "{template:?}: {why}"),
            }
        }
    }

    #[test]
    fn a_template_reads_no_files() {
        assert!(text("{% include '/etc/passwd' %}", json!({})).is_err());
    }
}
