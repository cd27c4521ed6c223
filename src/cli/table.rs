//! Aligned columns: the first is coloured, and below a row there may be notes over the whole width.

use comfy_table::{Cell, CellAlignment, Row as Line, Table as Columns, presets};

use super::paint::Tone;
use crate::model::wording::calm;

/// How far notes stand in.
const INDENT: usize = 4;

/// Rows for people.
#[derive(Debug)]
pub struct Table {
    header: Vec<&'static str>,
    /// Columns of numbers.
    right: Vec<usize>,
    /// Columns that may be cut where all together are too wide, and what has to stay of each; the first is cut first.
    flexible: Vec<(usize, usize)>,
    rows: Vec<Row>,
}

/// Between two columns.
const GAP: usize = 2;

/// No cell is wider, even in a pipe: one endless label would pad every row.
const WIDEST: usize = 200;

/// One row: its first cell is what the eye looks for.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub tone: Tone,
    pub cells: Vec<String>,
    /// What explains it, in words.
    pub notes: Vec<String>,
}

impl Row {
    pub fn new(tone: Tone, cells: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { tone, cells: cells.into_iter().map(Into::into).collect(), notes: Vec::new() }
    }
}

impl Table {
    pub fn new(header: impl IntoIterator<Item = &'static str>, right: &[usize]) -> Self {
        Self {
            header: header.into_iter().collect(),
            right: right.to_vec(),
            flexible: Vec::new(),
            rows: Vec::new(),
        }
    }

    #[must_use]
    pub fn flexible(mut self, columns: &[(usize, usize)]) -> Self {
        self.flexible = columns.to_vec();
        self
    }

    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// With colours. Where a `width` is given, cells are cut and notes are wrapped to it.
    pub fn render(&self, width: Option<usize>) -> String {
        let lines = self.aligned(width);
        let mut lines = lines.iter().map(|line| line.trim_end());
        let mut text = String::new();
        if let Some(header) = lines.next() {
            text += &format!("{}\n", Tone::Quiet.paint(header));
        }
        for (row, line) in self.rows.iter().zip(lines) {
            text += &format!("{}\n", painted(row, line));
            for note in row.notes.iter().flat_map(|note| wrapped(note, width)) {
                text += &format!("{:INDENT$}{}\n", "", Tone::Quiet.paint(&note));
            }
        }
        text
    }

    /// The same; where the columns do not fit, those of `minor` move below their row, each with its name, and the others stay whole.
    pub fn render_folded(mut self, width: Option<usize>, minor: &[usize]) -> String {
        let fits =
            |room: usize| self.aligned(None).iter().all(|line| line.trim_end().chars().count() <= room);
        if width.is_none_or(fits) {
            return self.render(width);
        }
        let is_minor = |at: usize| minor.contains(&at);
        for row in &mut self.rows {
            let below = row.cells.iter().zip(&self.header).enumerate();
            let below = below.filter(|(at, (cell, _))| is_minor(*at) && !cell.is_empty());
            let below: Vec<String> =
                below.map(|(_, (cell, name))| format!("{name} {}", cut(cell, WIDEST))).collect();
            if !below.is_empty() {
                row.notes.insert(0, below.join(", "));
            }
            row.cells = kept(std::mem::take(&mut row.cells), is_minor);
        }
        self.right = (0..self.header.len())
            .filter(|at| !is_minor(*at))
            .enumerate()
            .filter(|(_, before)| self.right.contains(before))
            .map(|(at, _)| at)
            .collect();
        self.header = kept(std::mem::take(&mut self.header), is_minor);
        self.flexible = Vec::new();
        self.render(width)
    }

    /// One line for the header, and one for every row.
    fn aligned(&self, width: Option<usize>) -> Vec<String> {
        let limits = self.limits(width);
        let mut columns = Columns::new();
        columns.load_style(presets::NOTHING).force_no_tty();
        columns.set_header(one_line(self.header.iter().copied(), &limits));
        for row in &self.rows {
            columns.add_row(one_line(row.cells.iter().map(String::as_str), &limits));
        }
        for (at, column) in columns.column_iter_mut().enumerate() {
            column.set_padding((0, GAP as u16));
            if self.right.contains(&at) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        columns.lines().collect()
    }

    /// How wide each column may be, so that all of them fit.
    fn limits(&self, width: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.header.iter().map(|name| name.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(&row.cells) {
                *width = (*width).max(cell.chars().count().min(WIDEST));
            }
        }
        let Some(room) = width else { return widths };
        let gaps = GAP * widths.len().saturating_sub(1);
        for (column, least) in &self.flexible {
            let over = (widths.iter().sum::<usize>() + gaps).saturating_sub(room);
            let Some(width) = widths.get_mut(*column) else { continue };
            *width -= over.min(width.saturating_sub(*least));
        }
        widths
    }
}

fn kept<T>(all: Vec<T>, dropped: impl Fn(usize) -> bool) -> Vec<T> {
    all.into_iter().enumerate().filter(|(at, _)| !dropped(*at)).map(|(_, one)| one).collect()
}

fn one_line<'a>(cells: impl Iterator<Item = &'a str>, limits: &[usize]) -> Line {
    let cells = cells.zip(limits).map(|(cell, limit)| Cell::new_owned(cut(cell, *limit)));
    Line::from(cells.collect::<Vec<_>>())
}

/// At most so many characters, none of which moves the cursor.
fn cut(text: &str, most: usize) -> String {
    let clean = calm(text);
    if clean.chars().count() <= most {
        return clean;
    }
    clean.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The first cell in its colour; rows in which all is well step back.
fn painted(row: &Row, line: &str) -> String {
    let first = row.cells.first().map_or(0, String::len);
    let (head, rest) = line.split_at_checked(first).unwrap_or((line, ""));
    let rest = if row.tone == Tone::Clear { Tone::Quiet.paint(rest) } else { rest.to_owned() };
    format!("{}{rest}", row.tone.paint(head))
}

/// Between words, to `width`; a word that is longer than a line stays whole, so that it can be copied.
pub fn wrapped(text: &str, width: Option<usize>) -> Vec<String> {
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(INDENT).max(20));
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn numbers_stand_under_each_other_and_no_line_ends_in_blanks() {
        let mut table = Table::new(["state", "rule", "value"], &[2]);
        table.push(Row::new(Tone::Critical, ["critical", "a", "9 %"]));
        table.push(Row::new(Tone::Clear, ["clear", "bb", "10.5 %"]));
        assert_eq!(
            plain(&table.render(None)),
            "state     rule   value\ncritical  a        9 %\nclear     bb    10.5 %\n"
        );
    }

    #[test]
    fn a_long_cell_is_cut_on_a_narrow_terminal_and_kept_in_a_pipe() {
        let mut table = Table::new(["state", "rule", "value"], &[]).flexible(&[(1, 10)]);
        table.push(Row::new(Tone::Plain, ["clear", &"x".repeat(100), "12 %"]));
        let narrow = plain(&table.render(Some(40)));
        assert!(narrow.lines().all(|line| line.chars().count() <= 40), "{narrow}");
        assert!(narrow.contains("x…  12 %"), "{narrow}");
        assert!(plain(&table.render(None)).contains(&"x".repeat(100)));
    }

    #[test]
    fn what_does_not_fit_beside_each_other_folds_and_nothing_is_cut() {
        let table = || {
            let mut table = Table::new(["state", "rule", "entity", "value", "since"], &[3]);
            let rule = "highwater-blind elasticsearch-unreachable";
            table.push(Row::new(Tone::Critical, ["critical", rule, "node=es-1", "91 %", "10:02 (3m)"]));
            table.push(Row::new(Tone::Waiting, ["pending", "a", "", "", "now"]));
            table
        };
        let wide = plain(&table().render_folded(Some(120), &[2, 3]));
        assert_eq!(wide.lines().count(), 3, "{wide}");
        let narrow = plain(&table().render_folded(Some(70), &[2, 3]));
        let lines: Vec<&str> = narrow.lines().collect();
        assert_eq!(lines[1], "critical  highwater-blind elasticsearch-unreachable  10:02 (3m)");
        assert_eq!(lines[2], "    entity node=es-1, value 91 %");
        assert_eq!(lines[3], "pending   a                                          now");
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn what_came_from_outside_cannot_break_the_rows() {
        let mut table = Table::new(["state", "rule"], &[]);
        table.push(Row::new(Tone::Plain, ["clear", "a\nb\u{1b}[31m"]));
        table.rows[0].notes.push("for service=d\u{1b}[2J".to_owned());
        assert_eq!(table.render(None).lines().count(), 3);
        assert!(!table.render(None).contains("\u{1b}[2J"));
        assert!(!table.aligned(None).concat().contains('\u{1b}'));
    }

    #[test]
    fn an_endless_label_pads_nobody() {
        let table = || {
            let mut table = Table::new(["state", "rule", "since"], &[]);
            table.push(Row::new(Tone::Plain, ["clear", &"x".repeat(8000), "now"]));
            table.push(Row::new(Tone::Plain, ["clear", "a", "now"]));
            table
        };
        let piped = plain(&table().render(None));
        assert!(piped.lines().all(|line| line.chars().count() < 220), "{piped}");
        assert!(piped.contains("x…  now"), "{piped}");
        let folded = plain(&table().render_folded(Some(80), &[1]));
        assert!(folded.lines().all(|line| line.chars().count() < 220), "{folded}");
    }

    #[test]
    fn notes_wrap_between_words() {
        assert_eq!(wrapped("one two three four five", Some(24)), ["one two three four", "five"]);
        assert_eq!(wrapped("a b", None), ["a b"]);
    }
}
