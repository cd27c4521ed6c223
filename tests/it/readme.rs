//! What the README shows has to be true.

use std::{fs, path::Path, process::Command};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The fenced blocks of a language, without the indent of a list.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() != format!("```{language}") {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let inside = lines.by_ref().take_while(|line| line.trim() != "```");
        found.push(inside.map(|line| line.get(indent..).unwrap_or_default().to_owned() + "\n").collect());
    }
    found
}

/// With one cluster beside what the README says.
fn validate(settings: &str, rules: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!("clusters: {{ main: {{ urls: ['http://127.0.0.1:9200'] }} }}\n{settings}");
    fs::write(folder.path().join("settings.yaml"), settings).unwrap();
    let said = Command::new(env!("CARGO_BIN_EXE_highwater"))
        .args(["validate", "--config", "settings.yaml", "--rules"])
        .arg(rules)
        .env("SLACK_WEBHOOK_URL", "https://hooks.slack.example/x")
        .envs([("SLACK_TOKEN", "x"), ("PAGERDUTY_KEY", "x")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
fn the_settings_and_the_rule_of_the_readme_are_valid() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let [settings, rule, sinks] = &blocks(&readme, "yaml")[..] else { panic!("three blocks of YAML") };
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rule.yaml");
    fs::write(&rules, rule).unwrap();
    validate(settings, &rules);
    validate(sinks, &root().join("rules"));
}

#[test]
fn every_command_and_every_page_that_the_readme_names_exists() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let help = Command::new(env!("CARGO_BIN_EXE_highwater")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for line in readme.lines().filter(|line| line.starts_with("| `highwater ")) {
        let command = line.trim_start_matches("| `highwater ").split([' ', '`']).next().unwrap();
        assert!(help.lines().any(|known| known.trim_start().starts_with(command)), "{command}");
    }
    for (_, rest) in readme.match_indices("](").map(|(at, _)| readme.split_at(at + 2)) {
        let target = rest.split(')').next().unwrap();
        if target.starts_with("http") {
            continue;
        }
        let (page, heading) =
            target.split_once('#').map_or((target, None), |(page, name)| (page, Some(name)));
        assert!(root().join(page).exists(), "{target}");
        let Some(heading) = heading else { continue };
        let text = fs::read_to_string(root().join(page)).unwrap();
        let slug = |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        assert!(text.lines().any(|line| line.starts_with('#') && slug(line) == heading), "{target}");
    }
}
