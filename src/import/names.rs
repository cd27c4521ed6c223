//! Names that highwater takes: of rules, of files, of variables.

use std::collections::BTreeSet;

const LONGEST: usize = 100;

/// Names that are given away already.
#[derive(Debug, Default)]
pub struct Names {
    ids: BTreeSet<String>,
    files: BTreeSet<String>,
}

impl Names {
    /// An id for a rule of this name, which no other rule has.
    pub fn id(&mut self, name: &str) -> String {
        unique(&mut self.ids, &id_of(name))
    }

    /// A file's name without its ending: folders become a part of it.
    pub fn file(&mut self, path: &str) -> String {
        unique(&mut self.files, &id_of(&stem_of_path(path)))
    }
}

/// `Example frequency rule` is `example-frequency-rule`.
fn id_of(name: &str) -> String {
    let mut id = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || matches!(c, '_' | '.') {
            id.push(c);
        } else if !id.ends_with('-') {
            id.push('-');
        }
    }
    let id: String = id.trim_matches(['-', '.']).chars().take(LONGEST).collect();
    let id = id.trim_end_matches(['-', '.']);
    if id.is_empty() {
        return "rule".to_owned();
    }
    if id.starts_with("highwater-") || id == "elasticsearch-unreachable" {
        return format!("elastalert-{id}");
    }
    id.to_owned()
}

/// The same name with a number where it is taken.
pub fn unique(taken: &mut BTreeSet<String>, name: &str) -> String {
    let mut candidate = name.to_owned();
    let mut n = 2;
    while !taken.insert(candidate.clone()) {
        candidate = format!("{name}-{n}");
        n += 1;
    }
    candidate
}

/// A file's name without folders and ending.
pub fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    stem_of_path(name)
}

/// A path without its ending.
pub fn stem_of_path(path: &str) -> String {
    let cut = [".yaml", ".yml"].into_iter().find_map(|ending| path.strip_suffix(ending));
    cut.unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_what_ids_may_hold() {
        let mut names = Names::default();
        assert_eq!(names.id("Example frequency rule!"), "example-frequency-rule");
        assert_eq!(names.id("example frequency rule"), "example-frequency-rule-2");
        assert_eq!(names.id("Größe (50%)"), "größe-50");
        assert_eq!(names.id("///"), "rule");
        assert_eq!(names.id("highwater-blind"), "elastalert-highwater-blind");
        assert_eq!(names.id(&"x".repeat(500)).len(), LONGEST);
        assert_eq!(
            (names.file("team/a.yaml"), names.file("team-a.yml")),
            ("team-a".into(), "team-a-2".into())
        );
    }
}
