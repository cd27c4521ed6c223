//! Which type becomes which kind of check.

use super::{counts, metrics, old::Old, part::Part, report::RuleReport, trends};

/// The parts of a rule, or why there are none.
pub fn parts(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<Part>, String> {
    match old.kind() {
        "any" => counts::any(old, report),
        "blacklist" => counts::blacklist(old, report),
        "whitelist" => counts::whitelist(old, report),
        "frequency" => counts::frequency(old, report),
        "flatline" => counts::flatline(old, report),
        "cardinality" => metrics::cardinality(old, report),
        "metric_aggregation" => metrics::metric(old, report),
        "percentage_match" => metrics::percentage(old, report),
        "spike" => trends::spike(old, report),
        "change" => trends::change(old, report),
        "new_term" => trends::new_term(old, report),
        "spike_aggregation" => trends::spike_aggregation(old, report),
        "" => Err("`type` is missing: ElastAlert refuses this rule too".to_owned()),
        own if own.contains('.') => {
            Err(format!("`{own}` is a rule type of your own, in Python: write the rule anew"))
        }
        other => Err(format!("ElastAlert2 2.31 knows no type `{other}`")),
    }
}
