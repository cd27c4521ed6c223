//! Files that try to cost more than they are.

use std::time::{Duration, Instant};

use super::support::Folder;

/// Alias bombs, in the shapes that multiply.
fn bombs() -> Vec<(&'static str, String)> {
    let mut lists = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut merges = "m0: &m0 { k0: 1, j0: 1 }\n".to_owned();
    for n in 1..30 {
        let alias = format!("*a{}, ", n - 1).repeat(9);
        lists.push_str(&format!("a{n}: &a{n} [{}]\n", alias.trim_end_matches(", ")));
        merges.push_str(&format!("m{n}: &m{n} {{ <<: [*m{0}, *m{0}, *m{0}], k{n}: 1 }}\n", n - 1));
    }
    let long = format!("a: &a {}\nrules: [{}]\n", "x".repeat(500_000), "*a, ".repeat(100_000));
    let wide = format!("a: &a [{}]\nrules: [{}]\n", "x, ".repeat(100_000), "*a, ".repeat(90));
    let nested = format!("{}x{}", "&a [".repeat(20_000), "]".repeat(20_000));
    let cycle = "rules: &a [*a, *a]\n".to_owned();
    let flat = format!("rules: [{}]\n", "1,".repeat(500_000));
    let keys: String = (0..90_000).map(|n| format!("k{n}: 1\n")).collect();
    vec![
        ("lists", lists),
        ("merges", merges),
        ("long", long),
        ("wide", wide),
        ("nested", nested),
        ("cycle", cycle),
        ("flat", flat),
        ("keys", keys),
    ]
}

/// A second, on a quiet machine with an optimised build; unoptimised among other tests it may be this.
const SOON: Duration = Duration::from_secs(15);

#[test]
fn every_bomb_ends_in_a_complaint_at_once() {
    for (name, bomb) in bombs() {
        let folder = Folder::new(&[("rules/a.yaml", &bomb)]);
        let begun = Instant::now();
        let complaints = folder.load().expect_err(name);
        let shown = complaints.to_string() + &complaints.lines().join("\n");
        let took = begun.elapsed();
        eprintln!("{name}: {took:?}, {} bytes said", shown.len());
        assert!(took < SOON, "{name} took {took:?}");
        assert!(shown.len() < 100_000, "{name} says {} bytes", shown.len());
    }
}
