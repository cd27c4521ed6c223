//! Did you mean …?, and lists of what there is.

use super::{complaint::Complaint, rule_form::RuleForm};

pub use crate::model::near::{hint, nearest};

/// A rule that names no cluster, where there is not exactly one.
pub fn unsaid_cluster(form: &RuleForm, kind: &str, all: &[String]) -> Complaint {
    if !all.is_empty() {
        return form.id.error(format!("`clusters` is missing; choose among {}", list(all)));
    }
    let complaint = format!("`{kind}` asks an Elasticsearch cluster, and the settings have none");
    form.check.error(complaint).hint("write `clusters: { main: { urls: [http://127.0.0.1:9200] } }` there")
}

/// `` `a`, `b` ``
pub fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
