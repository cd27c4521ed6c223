//! The report, for people and for programs.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    cli::{
        out::Out,
        paint::Tone,
        table::{Row, Table},
    },
    import::{EVERYWHERE, Import, RuleReport, Verdict},
};

pub fn json(import: &Import) -> String {
    let mut value = serde_json::to_value(&import.report).unwrap_or(Value::Null);
    value["everywhere"] = json!(EVERYWHERE);
    value["settings"] = import.settings.clone();
    format!("{value}\n")
}

pub fn table(import: &Import, folder: Option<&Path>, out: Out) -> String {
    let mut table = Table::new(["verdict", "rule", "type", "becomes", "file"], &[]);
    for rule in &import.report.rules {
        table.push(row(rule));
    }
    let mut text = table.render(out.width);
    text += &format!("\n{}\n", counts(&import.report.rules));
    text += &section("Of every rule:", EVERYWHERE.iter().map(|words| (*words).to_owned()));
    let variables = import.report.variables.iter();
    text += &section(
        "Set these variables:",
        variables.map(|variable| format!("{}: {}", variable.name, variable.from)),
    );
    text += &section("Of the global configuration:", import.report.notes.iter().cloned());
    text += &match folder.map(Path::display) {
        Some(folder) => format!(
            "\nWritten to {folder}. Next: highwater validate --config {folder}/highwater.yaml --rules {folder}/rules\n"
        ),
        None => "\nNothing was written: say where with --out DIR.\n".to_owned(),
    };
    text
}

fn row(rule: &RuleReport) -> Row {
    let tone = match rule.verdict {
        Verdict::Exact => Tone::Clear,
        Verdict::Approximated => Tone::Warning,
        Verdict::Impossible => Tone::Critical,
    };
    let becomes = rule.rules.join(", ");
    let mut row = Row::new(tone, [rule.verdict.name(), &rule.name, &rule.kind, &becomes, &rule.file]);
    row.notes.extend(rule.why.iter().cloned());
    row.notes.extend(rule.differences.iter().cloned());
    row
}

/// `12 exact, 3 approximated, 1 impossible`
fn counts(rules: &[RuleReport]) -> String {
    let of = |verdict: Verdict| rules.iter().filter(|rule| rule.verdict == verdict).count();
    let all = [Verdict::Exact, Verdict::Approximated, Verdict::Impossible];
    all.map(|verdict| format!("{} {}", of(verdict), verdict.name())).join(", ")
}

fn section(title: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: String = lines.map(|line| format!("  - {line}\n")).collect();
    if lines.is_empty() { lines } else { format!("\n{title}\n{lines}") }
}
