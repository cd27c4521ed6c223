//! `any`, `blacklist`, `whitelist`, `frequency` and `flatline`: how many documents match.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    filters,
    old::{Old, shown},
    part::{Part, documents, groups_of_documents, groups_of_terms},
    report::RuleReport,
};

/// Every document since the last look is a match.
pub fn any(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<Part>, String> {
    let per = groups_of_documents(old, report);
    let check = documents(old, old.run_every()?, &per, report)?;
    Ok(vec![counting(check, "at least 1".to_owned()).holding()])
}

pub fn blacklist(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<Part>, String> {
    let (field, entries) = compared(old, "blacklist")?;
    let (patterns, values): (Vec<String>, Vec<String>) =
        entries.into_iter().partition(|entry| is_pattern(entry));
    for pattern in &patterns {
        report.differs(format!(
            "`{pattern}` is left out: ElastAlert compares it as a plain text, so it never matches"
        ));
    }
    if values.is_empty() {
        return Err("its `blacklist` has no value that could match".to_owned());
    }
    let query = json!({ "query_string": { "query": any_of(&field, &values) } });
    compare(old, query, report)
}

pub fn whitelist(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<Part>, String> {
    let (field, values) = compared(old, "whitelist")?;
    let Some(ignored) = old.get("ignore_null").and_then(Value::as_bool) else {
        return Err("`ignore_null` is missing: ElastAlert refuses this rule too".to_owned());
    };
    let listed = values.iter().filter(|value| !is_pattern(value) || !old.is_not("filter_by_list"));
    let listed: Vec<String> = listed.cloned().collect();
    let mut query = serde_json::Map::new();
    if !listed.is_empty() {
        let listed = json!({ "query_string": { "query": any_of(&field, &listed) } });
        query.insert("must_not".to_owned(), json!([listed]));
    }
    if ignored {
        query.insert("filter".to_owned(), json!([{ "exists": { "field": field } }]));
    }
    if query.is_empty() {
        return any(old, report);
    }
    compare(old, json!({ "bool": query }), report)
}

/// Lists are compared with one field.
fn compared(old: &Old<'_>, list: &str) -> Result<(String, Vec<String>), String> {
    let fields = old.texts("compare_key");
    let [field] = &fields[..] else {
        return Err(match fields.len() {
            0 => "`compare_key` is missing: ElastAlert refuses this rule too".to_owned(),
            _ => format!(
                "`compare_key` has {} fields, for which ElastAlert finds no value either",
                fields.len()
            ),
        });
    };
    match old.get(list) {
        None => return Err(format!("`{list}` is missing: ElastAlert refuses this rule too")),
        Some(Value::Array(entries)) => entries.iter().try_for_each(|entry| text_in(list, entry))?,
        Some(_) => return Err(format!("`{list}` is no list: ElastAlert refuses this rule too")),
    }
    let values = old.texts(list);
    if let Some(file) = values.iter().find(|value| value.starts_with("!file")) {
        return Err(format!("`{file}` cannot be read here: put its lines into `{list}`"));
    }
    Ok((field.clone(), values))
}

/// YAML 1.1 reads a bare `NO` as a truth value, which ElastAlert takes for no entry of a list.
fn text_in(list: &str, entry: &Value) -> Result<(), String> {
    let hint = match entry {
        Value::String(_) => return Ok(()),
        Value::Bool(false) => "a bare `NO`, `OFF` or `FALSE` is read so; write `\"NO\"`",
        Value::Bool(true) => "a bare `YES`, `ON` or `TRUE` is read so; write `\"YES\"`",
        _ => "write it in quotes",
    };
    Err(format!("`{list}` holds `{entry}`, which is no text ({hint}): ElastAlert refuses this rule too"))
}

/// The document's list joins the rule's own filters.
fn compare(old: &Old<'_>, query: Value, report: &mut RuleReport) -> Result<Vec<Part>, String> {
    let per = groups_of_documents(old, report);
    let mut check = documents(old, old.run_every()?, &per, report)?;
    let mut queries = filters::list(old, report)?;
    queries.push(query);
    let filter = filters::joined(queries)?;
    check.extend(filter.map(|filter| ("filter".to_owned(), filter)));
    Ok(vec![counting(check, "at least 1".to_owned()).holding()])
}

/// As ElastAlert itself asks for a list: quoted phrases, and regular expressions between slashes.
fn any_of(field: &str, values: &[String]) -> String {
    let field = field.replace(' ', "\\ ");
    let term = |value: &String| {
        if is_pattern(value) {
            return format!("{field}:{value}");
        }
        format!("{field}:\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    };
    values.iter().map(term).collect::<Vec<_>>().join(" OR ")
}

fn is_pattern(value: &str) -> bool {
    value.len() > 1 && value.starts_with('/') && value.ends_with('/')
}

pub fn frequency(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<Part>, String> {
    let window = old.wanted_span("timeframe")?;
    let least =
        old.whole("num_events")?.ok_or("`num_events` is missing: ElastAlert refuses this rule too")?;
    let per = counted(old, report)?;
    let every = old.run_every()?;
    if counts_runs(old) {
        whole_runs(window, every, report);
    } else {
        report.differs(format!(
            "the {} that end at each look are counted; ElastAlert counts any {0} between two documents, and begins anew after a match: a burst as long as that may be seen a look earlier or later, or missed",
            shown(window)
        ));
    }
    if old.is("attach_related") {
        report.differs("`attach_related`: the documents are not attached to the alert");
    }
    let check = documents(old, window, &per, report)?;
    Ok(vec![counting(check, format!("at least {least}"))])
}

pub fn flatline(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<Part>, String> {
    let window = old.wanted_span("timeframe")?;
    let least = old.whole("threshold")?.ok_or("`threshold` is missing: ElastAlert refuses this rule too")?;
    if least < 1 {
        return Err(format!("`threshold` is {least}: there are never fewer documents, so it never matches"));
    }
    let per = counted(old, report)?;
    if counts_runs(old) {
        whole_runs(window, old.run_every()?, report);
    }
    if !per.is_empty() {
        report.differs("a group is judged from the first look on that sees it, and remembered over restarts; ElastAlert waits for a timeframe, and forgets when it is restarted");
        if old.is("forget_keys") {
            report.differs(
                "`forget_keys`: a silent group fires until it is back, and is not forgotten after one alert",
            );
        }
    }
    let check = documents(old, window, &per, report)?;
    Ok(vec![counting(check, format!("below {least}")).firing_in_silence()])
}

/// The groups of a count: `use_count_query` has none, whatever `query_key` says.
pub fn counted(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<String>, String> {
    if old.is("use_count_query") {
        return Ok(Vec::new());
    }
    if !old.is("use_terms_query") {
        return Ok(groups_of_documents(old, report));
    }
    match old.query_key().len() {
        0 => Err("`use_terms_query` without `query_key`: ElastAlert refuses this rule too".to_owned()),
        1 => Ok(groups_of_terms(old, report)),
        _ => Err("`use_terms_query` with several keys: ElastAlert asks for a field of all their names, which finds nothing".to_owned()),
    }
}

pub fn counts_runs(old: &Old<'_>) -> bool {
    old.is("use_count_query") || old.is("use_terms_query")
}

/// ElastAlert adds up whole runs: that is the same where the runs fill the window.
fn whole_runs(window: Duration, every: Duration, report: &mut RuleReport) {
    if !window.as_millis().is_multiple_of(every.as_millis().max(1)) {
        report.differs(format!(
            "exactly {} are counted; ElastAlert adds up whole runs of {}",
            shown(window),
            shown(every)
        ));
    }
}

fn counting(check: serde_json::Map<String, Value>, when: String) -> Part {
    let part = Part::new("count", check, when);
    let names = ["num_hits", "num_matches", "count"];
    names.into_iter().fold(part, |part, name| part.with_number(name, "value"))
}
