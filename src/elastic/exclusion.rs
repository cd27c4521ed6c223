//! The index pattern that would accept a loss.

/// More names than this are no pattern that anybody would write.
const MOST: usize = 20;

/// `pattern` without `indices`; `None` where no pattern can say that.
pub(super) fn without(pattern: &str, indices: &[String]) -> Option<String> {
    if indices.is_empty() || indices.len() > MOST {
        return None;
    }
    let mut parts: Vec<String> = pattern
        .split(',')
        .filter(|part| !indices.iter().any(|index| index == part))
        .map(str::to_owned)
        .collect();
    for index in indices.iter().filter(|index| !pattern.split(',').any(|part| part == index.as_str())) {
        if !is_excludable(&parts, index) {
            return None;
        }
        parts.push(excluded(index));
    }
    let names_any = parts.iter().any(|part| !is_exclusion(part));
    names_any.then(|| parts.join(","))
}

/// `pattern` without whole remote clusters.
pub(super) fn without_clusters(pattern: &str, clusters: &[String]) -> Option<String> {
    let remote: Vec<&String> = clusters.iter().filter(|name| name.as_str() != "(local)").collect();
    if remote.is_empty() || remote.len() != clusters.len() {
        return None;
    }
    let belongs = |part: &str| {
        remote.iter().any(|name| part.split_once(':').is_some_and(|(of, _)| of == name.as_str()))
    };
    let parts: Vec<&str> = pattern.split(',').filter(|part| !belongs(part)).collect();
    let names_any = parts.iter().any(|part| !is_exclusion(part));
    names_any.then(|| parts.join(","))
}

/// An exclusion means something only after a wildcard of the same cluster. It takes nothing away from date math, which names its index
/// whatever else stands beside it; and one that stands there already did not help.
fn is_excludable(parts: &[String], index: &str) -> bool {
    if parts.iter().any(|part| is_date_math(part) || *part == excluded(index)) {
        return false;
    }
    let cluster = |name: &str| name.split_once(':').map(|(cluster, _)| cluster.to_owned());
    parts.iter().any(|part| part.contains('*') && !is_exclusion(part) && cluster(part) == cluster(index))
}

/// `<logs-{now/d}>`, as it is typed or as a path carries it.
fn is_date_math(part: &str) -> bool {
    let name = part.split_once(':').map_or(part, |(_, name)| name).trim_start_matches('-');
    name.starts_with('<') || name.to_ascii_lowercase().starts_with("%3c")
}

pub(super) fn is_exclusion(part: &str) -> bool {
    part.starts_with('-') || part.contains(":-")
}

fn excluded(index: &str) -> String {
    match index.split_once(':') {
        Some((cluster, name)) => format!("{cluster}:-{name}"),
        None => format!("-{index}"),
    }
}

/// The first few names, and how many more.
pub(super) fn name_some(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(shown.len());
    let list = shown.join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_loss_is_accepted_by_an_exclusion_that_the_engine_understands() {
        let bad = names(&["http_logs_api-2023.01.01"]);
        assert_eq!(without("http_logs_*", &bad).as_deref(), Some("http_logs_*,-http_logs_api-2023.01.01"));
        assert_eq!(without("eu:logs-*", &names(&["eu:logs-1"])).as_deref(), Some("eu:logs-*,eu:-logs-1"));
        assert_eq!(without("a,b", &names(&["a"])).as_deref(), Some("b"));
    }

    #[test]
    fn what_no_pattern_can_say_is_not_offered() {
        assert_eq!(without("alias", &names(&["index-1"])), None);
        assert_eq!(without("a", &names(&["a"])), None);
        assert_eq!(without("logs-*", &names(&["eu:logs-1"])), None);
        assert_eq!(without("logs-*", &[]), None);
    }

    #[test]
    fn nothing_is_offered_beside_date_math_and_nothing_twice() {
        let today = names(&["journal-2026.11.22"]);
        for pattern in [
            "<journal-{now/d}>,journal-*.*.*",
            "<journal-{now/d}>,journal-*.*.*,-journal-2026.11.22",
            "%3Cjournal-%7Bnow%2Fd%7D%3E,journal-*",
            "journal-*,-journal-2026.11.22",
        ] {
            assert_eq!(without(pattern, &today), None, "{pattern}");
        }
        let remote = names(&["eu:logs-1"]);
        assert_eq!(without("eu:<logs-{now/d}>,eu:logs-*", &remote), None);
    }

    #[test]
    fn a_lost_cluster_is_accepted_by_leaving_it_out() {
        assert_eq!(without_clusters("logs-*,eu:logs-*", &names(&["eu"])).as_deref(), Some("logs-*"));
        assert_eq!(without_clusters("eu:logs-*", &names(&["eu"])), None);
        assert_eq!(without_clusters("logs-*", &names(&["(local)"])), None);
    }
}
