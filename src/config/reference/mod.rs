//! The reference of every key, made from the types that read them: what is written here cannot be out of date.

mod markdown;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use super::{read::read, rule_build::ABSENT, rule_form::RuleFile, settings_form::SettingsForm, yaml};
use crate::{
    checks,
    model::{Missing, policy::MissingThen, span},
    sinks,
};
use markdown::Page;

/// The JSON schema of a rule file, for editors.
pub fn rules_schema() -> Value {
    schema::<RuleFile>()
}

/// The JSON schema of a settings file, for editors.
pub fn settings_schema() -> Value {
    schema::<SettingsForm>()
}

fn schema<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

/// `docs/reference/rules.md`
pub fn rules_markdown() -> String {
    let schema = rules_schema();
    let intro = "Rules stand in YAML files below the folders that `rules` of the [settings](settings.md) names: any number of files, \
                 at any depth, ending in `.yaml` or `.yml` (`*.test.yaml` are left out). One file holds at most 1 MiB.";
    Page::new("Rules", intro, &schema)
        .examples("check", checks::Kind::ALL)
        .note("check", own_defaults())
        .note("levels", THRESHOLDS.to_owned())
        .finish()
}

/// What the keys' types cannot say.
const THRESHOLDS: &str = "\
A threshold is `at least`, `above`, `at most` or `below` (or `>=`, `>`, `<=`, `<` in quotes) and a number with its unit; then, if wanted, \
`for 2m` (how long it has to last), `clear below 86%` (what ends it) and `recover_for 5m` (how long that has to last), with or without commas. \
`clear` names its own comparator. Levels of one rule point the same way, and get harder to reach from `info` to `critical`.

| check | thresholds |
|---|---|
| `cluster_health` | `yellow`, `red` (at least); `clear green` |
| `elasticsearch_unreachable` | `unreachable` |
| `storage` | `at least 85%` (used), `below 50GB` (free), `at least watermark.low` (or `.high`, `.flood_stage`), less a margin: `- 5%`, `- 100GB` |
| `ratio` | `above 10%` |
| `shard_capacity` | `below 500`, or a share of the limit: `below 5%` |
| `shard_documents` | `above 1_800_000_000` |

Storage is counted as Elasticsearch counts it: 1GB is 1024³ bytes.";

/// The levels and policies that each check brings along.
fn own_defaults() -> String {
    let mut out =
        "Where a rule says nothing else:\n\n| kind | levels | `no_data` | `absent` |\n|---|---|---|---|\n"
            .to_owned();
    for (name, example) in checks::Kind::ALL {
        let Ok(kind) = yaml::parse(example, 0).and_then(|node| read::<checks::Kind>(&node)) else { continue };
        let defaults = kind.into_check().defaults();
        let levels: Vec<String> =
            defaults.levels.iter().map(|(level, text)| format!("`{level}: {text}`")).collect();
        let levels = if levels.is_empty() { "yours to choose".to_owned() } else { levels.join(", ") };
        let no_data = defaults.no_data.map_or_else(|| "yours to choose".to_owned(), in_words);
        let absent = in_words(defaults.absent.unwrap_or(ABSENT));
        out.push_str(&format!("| `{name}` | {levels} | {no_data} | {absent} |\n"));
    }
    out.trim_end().to_owned()
}

fn in_words(missing: Missing) -> String {
    let then = match missing.then {
        MissingThen::Resolve => "resolve".to_owned(),
        MissingThen::Fire(level) => format!("fire {level}"),
    };
    match missing.keep {
        None => "`keep`".to_owned(),
        Some(keep) if keep.is_zero() => format!("`{then}`"),
        Some(keep) => format!("`{{ keep: {}, then: {then} }}`", span::show(keep)),
    }
}

/// `docs/reference/settings.md`
pub fn settings_markdown() -> String {
    let schema = settings_schema();
    let intro = "Settings come in layers; the later ones win: the defaults below, then each file in its order, then the environment, then \
                 the command line. `HIGHWATER_SERVER__LISTEN=127.0.0.1:9000` sets `listen` below `server`; lists and maps are written as in \
                 YAML: `HIGHWATER_RULES='[rules, more]'`. Secrets are references, `${env:NAME}` or `${file:/path}`; a file is read again when \
                 it changes. Paths are relative to the working directory.";
    Page::new("Settings", intro, &schema).examples("sinks", sinks::Kind::ALL).finish()
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use super::*;

    /// `HIGHWATER_BLESS=1` writes the pages anew.
    #[test]
    fn the_reference_says_what_the_types_say() {
        for (name, page) in [("rules.md", rules_markdown()), ("settings.md", settings_markdown())] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(name);
            if env::var_os("HIGHWATER_BLESS").is_some() {
                fs::write(&path, &page).unwrap();
            }
            let written = fs::read_to_string(&path).unwrap_or_default();
            assert!(written == page, "{name} is out of date: run the tests once with HIGHWATER_BLESS=1");
        }
    }

    #[test]
    fn every_key_of_the_schemas_is_in_the_reference() {
        for (schema, page) in [(rules_schema(), rules_markdown()), (settings_schema(), settings_markdown())] {
            let mut keys = Vec::new();
            collect_keys(&schema, &mut keys);
            assert!(keys.len() > 40, "{keys:?}");
            for key in keys {
                assert!(page.contains(&format!("`{key}`")), "{key}");
            }
        }
    }

    #[test]
    fn every_section_is_where_its_links_lead() {
        for page in [rules_markdown(), settings_markdown()] {
            let (mut anchors, mut headings) = (Vec::new(), Vec::new());
            for heading in page.lines().filter_map(|line| line.strip_prefix("## ")) {
                let before = headings.iter().filter(|other| **other == heading).count();
                anchors.push(if before == 0 { heading.to_owned() } else { format!("{heading}-{before}") });
                headings.push(heading);
            }
            let links: Vec<&str> =
                page.split("](#").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0)).collect();
            for link in &links {
                assert!(anchors.iter().any(|anchor| anchor == link), "nothing is at `{link}`");
            }
            for anchor in &anchors {
                assert!(links.contains(&anchor.as_str()), "nothing leads to `{anchor}`");
            }
        }
    }

    /// A bar that is not escaped makes a cell of its own, and a first line alone ends in mid-sentence.
    #[test]
    fn every_row_of_a_table_is_whole() {
        for page in [rules_markdown(), settings_markdown()] {
            let mut cells = 0;
            for line in page.lines() {
                let bars = line.replace("\\|", "").matches('|').count();
                match line.starts_with("|---") {
                    true => cells = bars,
                    false if line.starts_with('|') && cells > 0 => assert_eq!(bars, cells, "{line}"),
                    false => cells = 0,
                }
            }
        }
        let page = rules_markdown();
        let kinds = page.lines().filter(|line| {
            line.starts_with("| `") && line.contains("](#") && line.matches(" | ").count() == 2
        });
        let kinds: Vec<&str> = kinds.collect();
        assert!(kinds.len() > 20, "{kinds:?}");
        assert!(kinds.iter().all(|row| row.ends_with(". |")), "{kinds:#?}");
    }

    #[test]
    fn only_what_has_to_be_there_is_called_required() {
        let required = |page: &str, key: &str| {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{key}` |"))).unwrap();
            row.contains("| required |")
        };
        assert!(!required(&settings_markdown(), "clusters"), "who watches something else has none");
        assert!(required(&rules_markdown(), "rules"));
    }

    fn collect_keys(schema: &Value, keys: &mut Vec<String>) {
        match schema {
            Value::Object(fields) => {
                if let Some(Value::Object(properties)) = fields.get("properties") {
                    keys.extend(properties.keys().cloned());
                }
                fields.values().for_each(|value| collect_keys(value, keys));
            }
            Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
            _ => {}
        }
    }
}
