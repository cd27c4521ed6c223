//! What is wrong with what was written: where, what would have been right, and how it is shown.

use std::{borrow::Cow, fmt, sync::Arc};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use super::place::{Origin, Place, Sources};

/// How bad a complaint is: an error stops the loading, a warning does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Warning,
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    pub severity: Severity,
    pub message: String,
    pub hint: Option<String>,
    /// `None`: nothing that was read is to blame.
    pub place: Option<Place>,
}

impl Complaint {
    /// `text` may bring its own hint, after the first `; `.
    pub fn error(text: impl AsRef<str>) -> Self {
        let (message, hint) = match text.as_ref().split_once("; ") {
            Some((message, hint)) => (message, Some(hint.to_owned())),
            None => (text.as_ref(), None),
        };
        Self { severity: Severity::Error, message: message.to_owned(), hint, place: None }
    }

    pub fn warning(text: impl AsRef<str>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(text) }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The innermost place counts: one that is known is kept.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }
}

/// Collects complaints, so that all are told in one go.
#[derive(Debug, Default)]
pub struct Report {
    list: Vec<Complaint>,
}

impl Report {
    pub fn add(&mut self, complaint: Complaint) {
        if self.list.len() < KEPT {
            self.list.push(complaint);
        }
    }

    /// Keeps the complaint, if that is what it is.
    pub fn take<T>(&mut self, outcome: Result<T, Complaint>) -> Option<T> {
        outcome.map_err(|complaint| self.add(complaint)).ok()
    }

    /// Keeps all complaints, if that is what they are.
    pub fn take_all<T>(&mut self, outcome: Result<T, Vec<Complaint>>) -> Option<T> {
        outcome.map_err(|all| all.into_iter().for_each(|complaint| self.add(complaint))).ok()
    }

    pub fn absorb(&mut self, other: Self) {
        self.list.extend(other.list);
    }

    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    pub fn errors(&self) -> usize {
        self.list.iter().filter(|complaint| complaint.severity == Severity::Error).count()
    }

    /// All of them, in the order in which an author meets them.
    pub fn finish(mut self, sources: Sources) -> Complaints {
        self.list.sort_by_key(|complaint| complaint.place);
        self.list.dedup();
        Complaints { list: self.list, sources: Arc::new(sources) }
    }
}

/// Everything that is wrong, with what it takes to show it.
#[derive(Clone, Default)]
pub struct Complaints {
    list: Vec<Complaint>,
    sources: Arc<Sources>,
}

/// More than these help nobody.
const SHOWN: usize = 100;
/// More than these are not even kept.
const KEPT: usize = 1_000;

impl Complaints {
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Complaint> {
        self.list.iter()
    }

    /// `rules/a.yaml:3:5: unknown key …`: one line each, for logs.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.list.iter().take(SHOWN).map(|complaint| self.line(complaint)).collect();
        lines.extend(self.more());
        lines
    }

    /// All of them rendered, with colours if `coloured`.
    pub fn render(&self, coloured: bool) -> String {
        let mut out = String::new();
        for complaint in self.list.iter().take(SHOWN) {
            out.push_str(&self.render_one(complaint, coloured));
        }
        if let Some(more) = self.more() {
            out.push_str(&format!("  {more}\n"));
        }
        out
    }

    fn more(&self) -> Option<String> {
        let more = self.list.len().checked_sub(SHOWN).filter(|more| *more > 0)?;
        Some(format!("… and {more} more"))
    }

    fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|complaint| complaint.severity == severity).count()
    }

    fn line(&self, complaint: &Complaint) -> String {
        let Complaint { message, hint, .. } = complaint;
        let place = complaint.place.map(|place| self.name(place) + ": ").unwrap_or_default();
        let hint = hint.as_ref().map(|hint| format!("; hint: {hint}")).unwrap_or_default();
        format!("{place}{message}{hint}")
    }

    fn name(&self, place: Place) -> String {
        let Some(source) = self.sources.get(place.source) else { return String::new() };
        if source.origin != Origin::File || source.text.is_empty() {
            return source.name.clone();
        }
        let (line, column) = self.sources.line_and_column(place);
        format!("{}:{line}:{column}", source.name)
    }

    fn render_one(&self, complaint: &Complaint, coloured: bool) -> String {
        let theme = if coloured { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(110)
            .with_context_lines(1)
            .with_links(false)
            .without_syntax_highlighting();
        let mut out = String::new();
        match handler.render_report(&mut out, &Shown::new(complaint, &self.sources)) {
            Ok(()) => out,
            Err(fmt::Error) => format!("  {}\n", self.line(complaint)),
        }
    }
}

impl fmt::Display for Complaints {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.render(false))
    }
}

impl fmt::Debug for Complaints {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.lines().join("\n"))
    }
}

impl std::error::Error for Complaints {}

/// A complaint in the shape that the renderer wants.
#[derive(Debug)]
struct Shown<'a> {
    complaint: &'a Complaint,
    message: Cow<'a, str>,
    source: Option<NamedSource<String>>,
    span: (usize, usize),
}

impl<'a> Shown<'a> {
    fn new(complaint: &'a Complaint, sources: &Sources) -> Self {
        let message = Cow::Borrowed(complaint.message.as_str());
        let mut shown = Self { complaint, message, source: None, span: (0, 0) };
        let Some(place) = complaint.place else { return shown };
        let Some(source) = sources.get(place.source) else { return shown };
        if source.text.is_empty() || source.origin != Origin::File {
            shown.message = format!("{}: {}", source.name, complaint.message).into();
            return shown;
        }
        if too_wide(&source.text, place) {
            let (line, column) = sources.line_and_column(place);
            shown.message = format!("{}:{line}:{column}: {}", source.name, complaint.message).into();
            return shown;
        }
        let (start, len) = on_one_line(&source.text, place);
        shown.source = Some(NamedSource::new(&source.name, source.text.clone()));
        shown.span = (start, len);
        shown
    }
}

/// Lines that no screen shows are better left out; the lines around a place are shown with it.
fn too_wide(text: &str, place: Place) -> bool {
    const WIDEST: usize = 500;
    let start = text.floor_char_boundary(place.range().start);
    let around = text[..start].rsplit('\n').take(2).chain(text[start..].split('\n').take(2));
    around.into_iter().any(|line| line.len() > WIDEST)
}

/// A caret below more than one line helps nobody: it ends where the line ends.
fn on_one_line(text: &str, place: Place) -> (usize, usize) {
    let start = place.range().start.min(text.len());
    let Some(rest) = text.get(start..) else { return (text.len(), 0) };
    let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
    (start, (place.len as usize).min(line))
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.complaint.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.complaint.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source.as_ref()?;
        let (start, len) = self.span;
        Some(Box::new(std::iter::once(LabeledSpan::new(None, start, len))))
    }
}
