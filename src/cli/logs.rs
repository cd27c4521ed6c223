//! What a command says beside its answer. The daemon's own log is set up by its settings.

use std::{
    env, fmt,
    io::{self, IsTerminal},
};

use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::RecordFields,
    filter::LevelFilter,
    fmt::{FormatFields, format::Writer},
};

/// Warnings go to standard error; `-v` and `-vv` say more.
pub fn start(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let colours = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_ansi(colours)
        .with_max_level(level)
        .fmt_fields(Fields)
        .with_writer(io::stderr)
        .with_target(false)
        .without_time()
        .init();
}

/// Fields of a text log: an event stays one line, and nothing steers a terminal, whatever a document has put into a value.
#[derive(Debug)]
pub struct Fields;

impl<'w> FormatFields<'w> for Fields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = Visitor { writer, first: true, written: Ok(()) };
        fields.record(&mut visitor);
        visitor.written
    }
}

struct Visitor<'w> {
    writer: Writer<'w>,
    first: bool,
    written: fmt::Result,
}

impl Visitor<'_> {
    fn put(&mut self, field: &Field, value: &str) -> fmt::Result {
        if !std::mem::take(&mut self.first) {
            self.writer.write_char(' ')?;
        }
        match (field.name(), self.writer.has_ansi_escapes()) {
            ("message", _) => {}
            (name, true) => write!(self.writer, "\u{1b}[3m{name}\u{1b}[0m\u{1b}[2m=\u{1b}[0m")?,
            (name, false) => write!(self.writer, "{name}=")?,
        }
        self.writer.write_str(&escaped(value))
    }
}

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // what a library logs brings its own place along
        if self.written.is_ok() && !field.name().starts_with("log.") {
            self.written = self.put(field, &format!("{value:?}"));
        }
    }
}

fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\t' => out.push(c),
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.extend(c.escape_default())
            }
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::model::Entity;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(coloured: bool) -> String {
        let kept = Kept::default();
        let to = kept.clone();
        let lines = tracing_subscriber::fmt::layer().with_ansi(coloured).fmt_fields(Fields);
        let lines = lines.with_writer(move || to.clone());
        let entity = "a\n2026-01-01T00:00:00Z  INFO highwater: stopped\r\u{1b}[31m\u{1b}[2J\u{202e}";
        let entity = Entity::of("service", entity);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            tracing::info!(%entity, n = 5, "alert {}", "fired\n");
            tracing::info!("next");
        });
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_value_of_a_document_forges_no_line_of_the_log() {
        let text = logged(false);
        assert_eq!(text.lines().count(), 2, "{text:?}");
        let said = r"alert fired\n entity=service=a\n2026-01-01T00:00:00Z  INFO highwater: stopped\r\u{1b}[31m\u{1b}[2J\u{202e} n=5";
        assert!(text.lines().next().unwrap().ends_with(said), "{text:?}");
        let coloured = logged(true);
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string().lines().count(), 2);
        assert!(coloured.contains("\u{1b}[3mentity") && !coloured.contains("\u{1b}[31m"), "{coloured:?}");
    }
}
