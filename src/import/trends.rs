//! `spike`, `spike_aggregation`, `change` and `new_term`: what is otherwise than it was.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    counts, metrics,
    old::{Old, shown},
    part::{Part, documents, groups_of_documents, groups_of_terms},
    report::RuleReport,
};

pub fn spike(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<Part>, String> {
    let window = old.wanted_span("timeframe")?;
    let per = counts::counted(old, report)?;
    let mut check = documents(old, window, &per, report)?;
    if !counts::counts_runs(old) {
        report.differs("the windows end at each look; ElastAlert moves them with every document");
    }
    if let Some(field) = of_values(old) {
        if counts::counts_runs(old) {
            return Err(
                "`field_value` beside counted runs: ElastAlert compares means of their counts".to_owned()
            );
        }
        report.differs("`field_value`: numbers are taken as they are; ElastAlert takes their whole part, and a mean of 0 is nothing to it");
        check.insert("avg".to_owned(), Value::from(field));
    }
    old.whole("threshold_ref")?;
    old.whole("threshold_cur")?;
    compared(old, window, check, report)
}

/// A spike may be one of the mean of a field's values.
fn of_values<'a>(old: &Old<'a>) -> Option<&'a str> {
    old.text("field_value").filter(|_| old.kind() == "spike")
}

/// Each run of ElastAlert's gives a number, and those of a timeframe make its window.
pub fn spike_aggregation(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<Part>, String> {
    if old.get("bucket_interval").is_some() {
        return Err("`bucket_interval` beside spikes: ElastAlert refuses this rule too".to_owned());
    }
    let every = old.run_every()?;
    let run = if old.is("use_run_every_query_size") { every } else { old.buffer_time()? };
    let timeframe = old.wanted_span("timeframe")?;
    let window = timeframe.max(run);
    if window > timeframe || run > every {
        report.differs(format!(
            "the {} that end at each look are compared; ElastAlert compares numbers that are each about {}",
            shown(window),
            shown(run)
        ));
    }
    let per = groups_of_terms(old, report);
    let mut check = documents(old, window, &per, report)?;
    metrics::add_metric(old, &mut check, report)?;
    if old.get("min_doc_count").is_some() {
        report.differs("`min_doc_count`: groups of few documents are judged as well");
    }
    let gathers = match old.text("metric_agg_type") {
        Some("avg") => Some("takes the mean of its runs' averages"),
        Some("percentiles" | "cardinality") => Some("adds up the numbers of its runs"),
        _ => None,
    };
    if let Some(gathers) = gathers {
        report.differs(format!("the number is that of all documents of the window; ElastAlert {gathers}"));
    }
    compared(old, window, check, report)
}

/// What both have: the window against the one before it.
fn compared(
    old: &Old<'_>,
    window: Duration,
    mut check: Map<String, Value>,
    report: &mut RuleReport,
) -> Result<Vec<Part>, String> {
    check.insert("reference".to_owned(), json!({ "before": shown(window), "buckets": 1 }));
    let of_values = of_values(old).is_some();
    let bound = |key| if of_values { Ok(None) } else { least(old, key) };
    let (reference, current) = (bound("threshold_ref")?, bound("threshold_cur")?);
    let measures = metrics::is_metric(&check);
    // a group that ElastAlert aggregates has no number where it has no documents, and a number of nothing is no reference here
    let aggregated = old.kind() == "spike_aggregation" && check.contains_key("per");
    let compares = !(aggregated || of_values);
    let nothing = if compares { Some(0) } else { (!measures).then_some(1) };
    let least = reference.clone().or(nothing.map(Value::from));
    check.extend(least.map(|least| ("min_reference".to_owned(), least)));
    let (when, both) = factor(old)?;
    if both {
        check.insert("both_ways".to_owned(), Value::Bool(true));
    }
    if aggregated {
        report.differs("a group that had no documents in the window before has nothing to be compared with; ElastAlert compares it with its last numbers");
    }
    said_of_spikes(old, report, reference.is_none() && compares, !when.starts_with("at most") && !both);
    if current.is_some() && (both || when.starts_with("at most")) {
        report.differs("`threshold_cur` keeps rises from being told, and no falls");
    }
    check.extend(current.map(|current| ("min_current".to_owned(), current)));
    let number = if measures { "facts.current" } else { "facts.documents" };
    let part = Part::new("spike", check, when).with_number("spike_count", number);
    Ok(vec![part.with_number("reference_count", "facts.reference")])
}

fn said_of_spikes(old: &Old<'_>, report: &mut RuleReport, from_nothing: bool, rises: bool) {
    report.differs(
        "it fires for as long as the window stands out; ElastAlert begins anew after a match, and is silent for two timeframes",
    );
    if from_nothing {
        report.differs(
            "with nothing before it, a window is compared with 1; in ElastAlert it is always a rise",
        );
    }
    if !rises {
        report.differs("a window without any document at all, whatever the filter, is no data and no fall; no rule of this import tells of a dead pipeline, but a `count` with `below 1` would");
    }
    if old.is("alert_on_new_data") {
        report.differs("`alert_on_new_data`: a new group is judged by `min_reference` alone");
    }
}

/// A bound, where there is one.
fn least(old: &Old<'_>, key: &str) -> Result<Option<Value>, String> {
    old.number(key)?;
    Ok(old.get(key).filter(|least| least.as_f64().is_some_and(|least| least > 0.0)).cloned())
}

/// `at least 3x`, and whether a fall counts as much as a rise.
pub fn factor(old: &Old<'_>) -> Result<(String, bool), String> {
    let missing = "`spike_height` is missing: ElastAlert refuses this rule too";
    let height = old.number("spike_height")?.ok_or(missing)?;
    let number: f64 = height.parse().map_err(|_| missing.to_owned())?;
    if number <= 1.0 {
        return Err(format!("`spike_height` is {height}: then every window is a spike"));
    }
    match old.wanted("spike_type")? {
        "up" => Ok((format!("at least {height}x"), false)),
        "down" => Ok((format!("at most {}x", (1e6 / number).floor() / 1e6), false)),
        "both" => Ok((format!("at least {height}x"), true)),
        other => Err(format!("`spike_type` is `{other}`: ElastAlert refuses this rule too")),
    }
}

pub fn change(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<Part>, String> {
    let fields = old.texts("compare_key");
    if fields.is_empty() {
        return Err("`compare_key` is missing: ElastAlert refuses this rule too".to_owned());
    }
    if old.query_key().is_empty() {
        return Err("`query_key` is missing: ElastAlert refuses this rule too".to_owned());
    }
    let Some(ignored) = old.get("ignore_null").and_then(Value::as_bool) else {
        return Err("`ignore_null` is missing: ElastAlert refuses this rule too".to_owned());
    };
    let per = groups_of_documents(old, report);
    let mut check = documents(old, old.run_every()?, &per, report)?;
    check.insert("fields".to_owned(), Value::from(fields));
    if ignored {
        report
            .differs("`ignore_null`: an empty text and a 0 are values here; ElastAlert leaves them out, too");
    } else {
        check.insert("ignore_null".to_owned(), Value::Bool(false));
    }
    if let Some(within) = old.span("timeframe")?.filter(|span| !span.is_zero()) {
        check.insert("within".to_owned(), Value::from(shown(within)));
    } else {
        report.differs(
            "a value is remembered for 30d without a document; ElastAlert remembers it until it is restarted",
        );
    }
    Ok(vec![Part::new("change", check, "at least 1".to_owned()).holding()])
}

pub fn new_term(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<Part>, String> {
    let history = old.span("terms_window_size")?.filter(|span| !span.is_zero());
    let history = history.map_or_else(|| "30d".to_owned(), shown);
    if old.is("alert_on_missing_field") {
        report.differs(
            "`alert_on_missing_field`: documents without the field are not told; write a `count` for them",
        );
    }
    report.differs(format!(
        "what no document had for {history} is new again, also without a restart; with an empty history the first look only learns, where ElastAlert tells everything"
    ));
    let mut parts = Vec::new();
    for (n, fields) in combinations(old)?.into_iter().enumerate() {
        let mut check = documents(old, old.run_every()?, &[], report)?;
        check.insert("fields".to_owned(), Value::from(fields));
        check.insert("history".to_owned(), Value::from(history.clone()));
        let part = Part::new("new_term", check, "at least 1".to_owned()).holding();
        parts.push(if n == 0 { part } else { part.called(format!("-{}", n + 1)) });
    }
    Ok(parts)
}

/// Each field by itself, or several as one.
fn combinations(old: &Old<'_>) -> Result<Vec<Vec<String>>, String> {
    let missing = || "neither `fields` nor `query_key` is there: ElastAlert refuses this rule too".to_owned();
    let named = match old.get("fields") {
        Some(Value::Array(items)) => items.clone(),
        Some(one) => vec![one.clone()],
        None => match &old.query_key()[..] {
            [one] => vec![Value::from(one.clone())],
            [] => return Err(missing()),
            _ => return Err("several fields of `query_key` are one name to ElastAlert, which no document has; write `fields`".to_owned()),
        },
    };
    let keyword = |name: &str| {
        let bare = old.is_not("use_keyword_postfix") || name.ends_with(".keyword");
        if bare { name.to_owned() } else { format!("{name}.keyword") }
    };
    let mut combinations = Vec::new();
    for item in named {
        let fields: Vec<String> = match &item {
            Value::String(name) => vec![keyword(name)],
            Value::Array(names) => names.iter().filter_map(Value::as_str).map(keyword).collect(),
            _ => return Err(missing()),
        };
        combinations.push(fields);
    }
    if combinations.is_empty() { Err(missing()) } else { Ok(combinations) }
}
