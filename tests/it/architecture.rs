//! The walls: which room may look at which, who may ask the time, and how long a file may be.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// What each room may use. An arrow only points down.
fn table() -> BTreeMap<&'static str, &'static [&'static str]> {
    const PURE: &[&str] = &["kinds"];
    BTreeMap::from([
        ("kinds", &[][..]),
        ("clock", &["model"][..]),
        ("telemetry", &["model", "config", "store"][..]),
        ("threads", &[][..]),
        ("model", PURE),
        ("checks", &["model", "kinds"][..]),
        ("sinks", &["model", "kinds"][..]),
        ("config", &["checks", "sinks", "model", "kinds"][..]),
        ("import", &["checks", "sinks", "model"][..]),
        ("aws", &["model", "clock"][..]),
        ("elastic", &["aws", "config", "model", "clock", "telemetry", "threads"][..]),
        ("http", &["aws", "config", "sinks", "model", "clock", "telemetry"][..]),
        ("kubernetes", &["model"][..]),
        ("lines", &["sinks", "model"][..]),
        ("mail", &["config", "sinks", "model", "clock", "telemetry"][..]),
        ("store", &["config", "checks", "sinks", "model", "clock", "telemetry"][..]),
        (
            "engine",
            &[
                "elastic",
                "http",
                "kubernetes",
                "lines",
                "mail",
                "store",
                "config",
                "checks",
                "sinks",
                "model",
                "clock",
                "telemetry",
                "threads",
            ][..],
        ),
        ("server", &["engine", "store", "config", "model", "clock", "telemetry"][..]),
        (
            "cli",
            &[
                "server",
                "engine",
                "elastic",
                "http",
                "mail",
                "store",
                "import",
                "config",
                "checks",
                "sinks",
                "model",
                "clock",
                "telemetry",
                "threads",
            ][..],
        ),
        ("main", &["cli"][..]),
    ])
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    files.sort();
    files
}

/// The room of a file: the first name below `src`.
fn room(path: &Path) -> String {
    let below = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = below.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The code of a file without its comments.
fn code(text: &str) -> String {
    let line = |line: &str| line.split("//").next().unwrap_or_default().to_owned() + "\n";
    text.lines().map(line).collect()
}

/// The rooms that `crate::…` paths name, also inside `use crate::{a::…, b};`.
fn rooms_used(text: &str, start: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, _) in text.match_indices(start) {
        let rest = &text[at + start.len()..];
        match rest.strip_prefix('{') {
            None => used.extend(first_name(rest)),
            Some(list) => used.extend(names_at_depth_one(list)),
        }
    }
    used
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

fn names_at_depth_one(list: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut fresh) = (1, true);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            _ if fresh && !c.is_whitespace() => {
                names.extend(first_name(&list[at..]));
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

#[test]
fn every_room_looks_only_down() {
    let table = table();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = room(&path);
        if room == "lib" {
            continue;
        }
        let allowed =
            table.get(room.as_str()).unwrap_or_else(|| panic!("{room} is not in the table of rooms"));
        let text = code(&text);
        let start = if room == "main" { "highwater::" } else { "crate::" };
        for used in rooms_used(&text, start) {
            if used != room && table.contains_key(used.as_str()) && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "an arrow points up:\n{}", wrong.join("\n"));
}

#[test]
fn only_the_clock_knows_what_time_it_is() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let before_tests = text.split("#[cfg(test)]").next().unwrap_or_default();
        let text = code(before_tests);
        let asks =
            ["Utc::now(", "Local::now(", "SystemTime::now("].into_iter().any(|call| text.contains(call));
        if asks && room(&path) != "clock" {
            wrong.push(path.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "take the time from `clock::Clock`:\n{}", wrong.join("\n"));
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let lines = |text: &str| text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
    let of_tests = |path: &Path| {
        path.iter().any(|part| part.to_string_lossy().trim_end_matches(".rs").ends_with("tests"))
    };
    let product = sources()
        .into_iter()
        .filter(|(path, _)| !of_tests(path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap()));
    let long = product.filter(|(_, text)| lines(text) > 400);
    let long: Vec<String> =
        long.map(|(path, text)| format!("{}: {}", path.display(), lines(&text))).collect();
    assert!(long.is_empty(), "a word is missing in:\n{}", long.join("\n"));
}

#[test]
fn the_wall_reads_nested_use_lists() {
    let text = "use crate::{\n    model::{a, b},\n    store::Turn,\n};\nlet x = crate::config::load();";
    let used: Vec<String> = rooms_used(text, "crate::").into_iter().collect();
    assert_eq!(used, ["config", "model", "store"]);
}
