//! `import elastalert` as an operator runs it: files of all sorts in, valid settings and rules out.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

const RULE: &str = "name: a\ntype: frequency\nindex: logs-*\nnum_events: 5\ntimeframe: { minutes: 5 }\nalert: slack\nslack_webhook_url: https://hooks.example/s3cr3t\n";

struct Said {
    code: i32,
    out: String,
    err: String,
}

fn run(folder: &Path, args: &[&str]) -> Said {
    let output =
        Command::new(env!("CARGO_BIN_EXE_highwater")).args(args).current_dir(folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// A folder `old/rules` with these files, and `old/config.yaml`.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("old/rules");
    fs::create_dir_all(rules.join("team")).unwrap();
    let config = "run_every: { minutes: 5 }\nbuffer_time: { minutes: 15 }\nes_host: es.example\nes_port: 9200\nes_username: u\nes_password: s3cr3t\n";
    fs::write(folder.path().join("old/config.yaml"), config).unwrap();
    for (name, text) in files {
        fs::write(rules.join(name), text).unwrap();
    }
    folder
}

#[test]
fn what_is_written_is_valid_holds_no_secret_and_is_never_written_over() {
    let based = "import: base.yaml\nname: b\ntype: any\nalert: [command, { email: { email: ops@example.org } }]\ncommand: [x]\nes_password: other-s3cr3t\n";
    let base = "index: &i logs-%Y.%m.%d\nuse_strftime_index: yes\n";
    let folder =
        folder(&[("team/a.yaml", RULE), ("b.yml", based), ("base.yaml", base), ("notes.txt", "type: x")]);
    let args = ["import", "elastalert", "old/rules", "--out", "new"];
    let said = run(folder.path(), &args);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("SLACK_WEBHOOK_URL") && said.out.contains("every"), "{}", said.out);
    assert!(!said.out.contains("base.yaml"), "what is only imported is no rule: {}", said.out);
    let valid = run(folder.path(), &["validate", "--config", "new/highwater.yaml", "--rules", "new/rules"]);
    assert_eq!(valid.code, 0, "{}", valid.err);
    let mut written = fs::read_to_string(folder.path().join("new/highwater.yaml")).unwrap();
    for entry in fs::read_dir(folder.path().join("new/rules")).unwrap() {
        written += &fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    assert!(
        written.contains("schedule: every 5m") && written.contains("http://es.example:9200"),
        "{written}"
    );
    assert!(!written.contains("s3cr3t") && !said.out.contains("s3cr3t"), "{written}{}", said.out);
    let again = run(folder.path(), &args);
    assert_eq!(again.code, 74);
    assert!(again.err.contains("is there already"), "{}", again.err);
}

#[test]
fn hostile_files_are_told_one_by_one_and_hold_nobody_up() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..10 {
        let aliases = format!("*a{}, ", n - 1).repeat(9);
        bomb.push_str(&format!("a{n}: &a{n} [{}]\n", aliases.trim_end_matches(", ")));
    }
    let large = format!("name: {}", "x".repeat(2 << 20));
    let deep = "[".repeat(5_000);
    let folder = folder(&[
        ("bomb.yaml", &bomb),
        ("circle.yaml", "import: circle-2.yaml\ntype: any\n"),
        ("circle-2.yaml", "import: circle.yaml\ntype: any\n"),
        ("deep.yaml", &deep),
        ("device.yaml", "import: /dev/zero\ntype: any\n"),
        ("fine.yaml", RULE),
        ("large.yaml", &large),
        ("list.yaml", "- a\n"),
        ("python.yaml", "name: !!python/object/apply:os.system ['true']\ntype: any\n"),
        ("twice.yaml", "name: a\nname: b\n"),
    ]);
    fs::write(folder.path().join("old/rules/bytes.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    let said = run(folder.path(), &["import", "elastalert", "old/rules", "--format", "json", "--out", "new"]);
    assert_eq!(said.code, 1, "{}", said.err);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    let rules = report["rules"].as_array().unwrap();
    let of = |file: &str| rules.iter().find(|rule| rule["file"] == file).unwrap_or_else(|| panic!("{file}"));
    assert_eq!(of("fine.yaml")["verdict"], "approximated");
    for (file, word) in [
        ("bomb.yaml", "aliases"),
        ("bytes.yaml", "UTF-8"),
        ("circle.yaml", "circle"),
        ("deep.yaml", ""),
        ("device.yaml", "no file"),
        ("large.yaml", "1 MiB"),
        ("list.yaml", "expected a map"),
        ("twice.yaml", "twice"),
    ] {
        assert_eq!(of(file)["verdict"], "impossible", "{file}");
        assert!(of(file)["why"].as_str().unwrap().contains(word), "{file}: {}", of(file));
    }
    assert_ne!(of("python.yaml")["verdict"], "exact");
    let valid = run(folder.path(), &["validate", "--config", "new/highwater.yaml", "--rules", "new/rules"]);
    assert_eq!(valid.code, 0, "{}", valid.err);
}

#[test]
fn folders_below_are_left_alone_where_elastalert_is_told_to() {
    let folder = folder(&[("a.yaml", RULE), ("team/b.yaml", "name: b\ntype: any\nindex: x\nalert: debug\n")]);
    let rules = || {
        let said = run(folder.path(), &["import", "elastalert", "old/rules", "--format", "json"]);
        let report: Value = serde_json::from_str(&said.out).unwrap();
        report["rules"].as_array().unwrap().len()
    };
    assert_eq!(rules(), 2);
    let config = "run_every: { minutes: 5 }\nscan_subdirectories: false\nes_host: es.example\n";
    fs::write(folder.path().join("old/config.yaml"), config).unwrap();
    assert_eq!(rules(), 1);
}

#[test]
fn a_folder_without_rules_and_a_broken_configuration_are_said() {
    let folder = folder(&[]);
    let none = run(folder.path(), &["import", "elastalert", "old/rules"]);
    assert_eq!((none.code, none.err.contains("no rule")), (74, true), "{}", none.err);
    let gone = run(folder.path(), &["import", "elastalert", "nowhere"]);
    assert_eq!(gone.code, 74, "{}", gone.err);
    fs::write(folder.path().join("broken.yaml"), "a: [").unwrap();
    let broken = run(folder.path(), &["import", "elastalert", "old/rules", "--config", "broken.yaml"]);
    assert!(broken.code == 74 && broken.err.contains("line"), "{}", broken.err);
}
