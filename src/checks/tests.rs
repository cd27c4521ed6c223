//! What holds for every kind of check, asked of all of them.

use std::collections::BTreeMap;

use super::*;

fn example(example: &str) -> Kind {
    serde_saphyr::from_str(example).unwrap()
}

#[test]
fn every_file_has_a_row_and_every_row_a_file() {
    let rows: Vec<&str> = Kind::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(crate::kinds::files_of("checks"), rows);
}

#[test]
fn every_example_parses_under_its_own_name() {
    for (name, text) in Kind::ALL {
        assert_eq!(example(text).name(), *name);
    }
}

#[test]
fn an_unknown_key_and_an_unknown_kind_are_refused() {
    for (name, _) in Kind::ALL {
        let text = format!("{name}: {{ nonsense: 1 }}");
        assert!(serde_saphyr::from_str::<Kind>(&text).is_err(), "{text}");
    }
    assert!(serde_saphyr::from_str::<BTreeMap<String, Kind>>("a: { phase_of_the_moon: {} }").is_err());
}
