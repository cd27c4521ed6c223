//! Which indices: strftime names become wildcards, for a wildcard needs no clock.

use super::{old::Old, report::RuleReport};

pub fn pattern(old: &Old<'_>, report: &mut RuleReport) -> Result<String, String> {
    let index = old.wanted("index")?.trim();
    if !old.is("use_strftime_index") {
        return Ok(index.to_owned());
    }
    let pattern = wildcards(index);
    if pattern != index {
        report.differs(format!(
            "the index `{index}` is asked for as `{pattern}`: an index whose name only looks like it is read too"
        ));
    }
    Ok(pattern)
}

/// `logs-%Y.%m.%d` is `logs-*.*.*`.
fn wildcards(index: &str) -> String {
    let mut pattern = String::new();
    let mut rest = index.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('%', Some('%')) => {
                rest.next();
                pattern.push('%');
            }
            ('%', Some(_)) => {
                // `%-d` is a number without its zero
                if rest.next() == Some('-') {
                    rest.next();
                }
                if !pattern.ends_with('*') {
                    pattern.push('*');
                }
            }
            (c, _) => pattern.push(c),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_names_become_stars() {
        assert_eq!(wildcards("logs-%Y.%m.%d"), "logs-*.*.*");
        assert_eq!(wildcards("logs-%Y%m%d,other"), "logs-*,other");
        assert_eq!(wildcards("logs-%-d-100%%"), "logs-*-100%");
        assert_eq!(wildcards("logs-%"), "logs-%");
    }
}
