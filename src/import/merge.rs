//! `import:` of ElastAlert: a rule and the files that it is built on, as one.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// Reads one file. Where it is and what it takes is the caller's business.
pub type Reader<'a> = &'a dyn Fn(&Path) -> Result<Value, String>;

/// Files that one rule may be built on; more are a circle.
const MOST: usize = 50;

/// The rule of a file with all that it imports: what is nearer wins, filters are joined.
pub fn merged(path: &Path, read: Reader<'_>) -> Result<Map<String, Value>, String> {
    let mut rule = Map::new();
    let mut stack: Vec<PathBuf> = vec![path.to_path_buf()];
    let mut count = 0;
    while let Some(current) = stack.pop() {
        count += 1;
        if count > MOST {
            return Err("its `import`s go round in a circle, or are more than 50".to_owned());
        }
        let Value::Object(mut loaded) =
            read(&current).map_err(|why| if current == path { why } else { imported(&current, &why) })?
        else {
            return Err(imported(&current, "expected a map with the rule's options"));
        };
        join_filters(&mut rule, &loaded);
        loaded.append(&mut rule);
        rule = loaded;
        let imports = rule.remove("import").map(|import| paths(&import)).transpose()?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        stack.extend(imports.unwrap_or_default().into_iter().map(|import| folder.join(import)));
    }
    Ok(rule)
}

fn imported(path: &Path, why: &str) -> String {
    format!("`{}`: {why}", path.display())
}

fn join_filters(rule: &mut Map<String, Value>, loaded: &Map<String, Value>) {
    let (Some(Value::Array(own)), Some(Value::Array(base))) = (rule.get_mut("filter"), loaded.get("filter"))
    else {
        return;
    };
    let mut joined = base.clone();
    joined.append(own);
    *own = joined;
}

fn paths(import: &Value) -> Result<Vec<String>, String> {
    let wrong = || "`import` names files: a text or a list of texts".to_owned();
    match import {
        Value::String(path) => Ok(vec![path.clone()]),
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(path: &Path) -> Result<Value, String> {
        Ok(match path.to_str().unwrap() {
            "d/a.yaml" => json!({ "name": "a", "import": ["b.yaml", "c.yaml"], "filter": [1] }),
            "d/b.yaml" => json!({ "type": "any", "realert": "b", "filter": [2] }),
            "d/c.yaml" => json!({ "type": "frequency", "name": "c" }),
            "d/round.yaml" => json!({ "import": "round.yaml" }),
            "d/list.yaml" => json!([1]),
            other => return Err(format!("no {other}")),
        })
    }

    #[test]
    fn what_is_nearer_wins_the_later_import_before_the_earlier_and_filters_are_joined() {
        let rule = merged(Path::new("d/a.yaml"), &read).unwrap();
        let expected = json!({ "name": "a", "type": "frequency", "realert": "b", "filter": [2, 1] });
        assert_eq!(Value::Object(rule), expected);
    }

    #[test]
    fn a_circle_and_what_is_no_rule_are_said() {
        let why = |path: &str| merged(Path::new(path), &read).unwrap_err();
        assert!(why("d/round.yaml").contains("circle"));
        assert!(why("d/list.yaml").contains("expected a map"));
        assert!(why("d/none.yaml").contains("no d/none.yaml"));
    }
}
