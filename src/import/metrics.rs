//! `cardinality`, `metric_aggregation` and `percentage_match`: a number over documents.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    filters,
    old::{Old, shown},
    part::{Part, documents, groups_of_documents, groups_of_terms},
    report::RuleReport,
};

pub fn cardinality(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<Part>, String> {
    let window = old.wanted_span("timeframe")?;
    let field = old.wanted("cardinality_field")?;
    let per = groups_of_documents(old, report);
    let mut check = documents(old, window, &per, report)?;
    check.insert("cardinality".to_owned(), Value::from(field));
    report.differs(format!(
        "the different values of the {} that end at each look are counted, above some thousands as an estimate; ElastAlert looks after every document",
        shown(window)
    ));
    let bounds = (old.number("max_cardinality")?, old.number("min_cardinality")?);
    let parts = two_ways(bounds, ("max_cardinality", "min_cardinality"), "", |when| {
        Part::new("metric", check.clone(), when)
    })?;
    Ok(parts.into_iter().map(too_little_in_silence).collect())
}

/// Nothing at all is less than any bound.
fn too_little_in_silence(part: Part) -> Part {
    if part.when.starts_with("below") { part.firing_in_silence() } else { part }
}

pub fn metric(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<Part>, String> {
    let mut check = over_buffer(old, report)?;
    add_metric(old, &mut check, report)?;
    least_documents(old, &mut check, report)?;
    let name = format!(
        "metric_{}_{}",
        old.text("metric_agg_key").unwrap_or_default(),
        old.text("metric_agg_type").unwrap_or_default()
    );
    let kind = if is_metric(&check) { "metric" } else { "count" };
    let bounds = (old.number("max_threshold")?, old.number("min_threshold")?);
    let parts = two_ways(bounds, ("max_threshold", "min_threshold"), "", |when| {
        let part = Part::new(kind, check.clone(), when).with_number("metric_agg_value", "value");
        let part = part.with_number(format!("{name}_formatted"), "value");
        part.with_number("metric_agg_value_formatted", "value").with_number(name.clone(), "value")
    })?;
    let silent = |part| if is_zero_in_silence(old) { too_little_in_silence(part) } else { part };
    Ok(parts.into_iter().map(silent).collect())
}

/// `min_doc_count` is asked of groups alone: without any, ElastAlert does not look at it.
fn least_documents(
    old: &Old<'_>,
    check: &mut Map<String, Value>,
    report: &mut RuleReport,
) -> Result<(), String> {
    let Some(least) = old.whole("min_doc_count")?.filter(|least| *least > 1) else { return Ok(()) };
    if !check.contains_key("per") {
        return Ok(());
    }
    if is_metric(check) {
        check.insert("min_total".to_owned(), Value::from(least));
    } else {
        report.differs("`min_doc_count`: groups of few documents are judged as well");
    }
    Ok(())
}

/// Numbers that are 0 to Elasticsearch where there is no document, and 0 is below the bound. Groups, and buckets of time, are not
/// there then.
fn is_zero_in_silence(old: &Old<'_>) -> bool {
    let adds_up = matches!(old.text("metric_agg_type"), Some("sum" | "cardinality" | "value_count"));
    let wants_some = old.get("min_threshold").and_then(Value::as_f64).is_some_and(|least| least > 0.0);
    adds_up && wants_some && old.query_key().is_empty() && old.get("bucket_interval").is_none()
}

/// It asks for a number, and does not count documents.
pub fn is_metric(check: &Map<String, Value>) -> bool {
    ["avg", "max", "min", "sum", "percentile", "cardinality"].iter().any(|name| check.contains_key(*name))
}

/// The number that `metric_agg_type` and `metric_agg_key` ask for.
pub fn add_metric(
    old: &Old<'_>,
    check: &mut Map<String, Value>,
    report: &mut RuleReport,
) -> Result<(), String> {
    if old.get("metric_agg_script").is_some() {
        return Err("`metric_agg_script` runs a script on the cluster, which only a `search` rule may, where the cluster says `allow_scripts: true`: write it anew as one".to_owned());
    }
    let field = old.wanted("metric_agg_key")?;
    match old.wanted("metric_agg_type")? {
        name @ ("min" | "max" | "avg" | "sum") => {
            check.insert(name.to_owned(), Value::from(field));
        }
        "cardinality" => {
            check.insert("cardinality".to_owned(), Value::from(field));
        }
        "percentiles" => {
            let percent = old.get("percentile_range").filter(|percent| percent.is_number());
            let percent = percent.ok_or("`percentile_range` is missing: ElastAlert refuses this rule too")?;
            check.insert("percentile".to_owned(), json!({ "field": field, "percent": percent }));
        }
        "value_count" => {
            let mut queries = filters::list(old, report)?;
            queries.push(json!({ "exists": { "field": field } }));
            check.extend(filters::joined(queries)?.map(|filter| ("filter".to_owned(), filter)));
            report.differs(
                "documents that have the field are counted; ElastAlert counts each of several values",
            );
        }
        other => return Err(format!("`metric_agg_type` is `{other}`: ElastAlert refuses this rule too")),
    }
    Ok(())
}

pub fn percentage(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<Part>, String> {
    let mut check = over_buffer(old, report)?;
    let numerator = old.get("match_bucket_filter").map(filters::of_value).transpose()?.flatten();
    let numerator = numerator.ok_or("`match_bucket_filter` is missing: ElastAlert refuses this rule too")?;
    check.insert("numerator".to_owned(), numerator);
    if let Some(least) = old.whole("min_denominator")?.filter(|least| *least > 0) {
        check.insert("min_total".to_owned(), Value::from(least));
    }
    let bounds = (old.number("max_percentage")?, old.number("min_percentage")?);
    two_ways(bounds, ("max_percentage", "min_percentage"), "%", |when| {
        let part = Part::new("ratio", check.clone(), when).with_number("percentage", "value");
        part.with_number("percentage_formatted", "value").with_number("denominator", "facts.total")
    })
}

/// Aggregations are asked over the buffer of each run, or over buckets of it.
pub fn over_buffer(old: &Old<'_>, report: &mut RuleReport) -> Result<Map<String, Value>, String> {
    let per = groups_of_terms(old, report);
    documents(old, window_of(old, report)?, &per, report)
}

fn window_of(old: &Old<'_>, report: &mut RuleReport) -> Result<Duration, String> {
    if let Some(bucket) = old.span("bucket_interval")?.filter(|bucket| !bucket.is_zero()) {
        report.differs(format!(
            "`bucket_interval`: each look judges the {} that end at it; ElastAlert judges every such bucket of its buffer, again and again",
            shown(bucket)
        ));
        return Ok(bucket);
    }
    let (buffer, every) = (old.buffer_time()?, old.run_every()?);
    if old.is("use_run_every_query_size") {
        if buffer > every {
            report.differs(format!(
                "`use_run_every_query_size`: each look judges the {} that end at it; ElastAlert judges each of them again for as long as its buffer holds it ({})",
                shown(every),
                shown(buffer)
            ));
        }
        return Ok(every);
    }
    Ok(buffer.max(every))
}

/// One part for each side that has a bound. The levels of one highwater rule point the same way.
pub fn two_ways(
    (most, least): (Option<String>, Option<String>),
    names: (&str, &str),
    unit: &str,
    part: impl Fn(String) -> Part,
) -> Result<Vec<Part>, String> {
    let high = most.map(|most| part(format!("above {most}{unit}")));
    let low = least.map(|least| part(format!("below {least}{unit}")));
    match (high, low) {
        (None, None) => {
            Err(format!("neither `{}` nor `{}` is there: ElastAlert refuses this rule too", names.0, names.1))
        }
        (Some(high), Some(low)) => Ok(vec![high, low.falling_short()]),
        (high, low) => Ok(high.into_iter().chain(low).collect()),
    }
}
