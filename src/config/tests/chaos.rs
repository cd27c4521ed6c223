//! Whatever is in a file, loading ends in rules or in complaints.

use proptest::prelude::*;

use super::support::{Folder, SETTINGS, said_of_settings};

const RULES: [&str; 3] = [
    include_str!("../../../rules/cluster.yaml"),
    include_str!("../../../rules/http.yaml"),
    include_str!("../../../rules/storage.yaml"),
];

/// What tends to break parsers.
const SPLINTERS: [&str; 24] = [
    "{", "}", "[", "]", ":", "- ", "&a ", "*a", "<<: *a", "|", ">", "---\n", "...\n", "\t", "\0", "\u{feff}",
    "\"", "'", "!!int ", "~", "é💥", "\r\n", "1e999", "?",
];

#[derive(Clone, Debug)]
enum Edit {
    Insert(usize, usize),
    Remove(usize, usize),
    Repeat(usize, usize),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        (any::<usize>(), 0..SPLINTERS.len()).prop_map(|(at, what)| Edit::Insert(at, what)),
        (any::<usize>(), 1..40_usize).prop_map(|(at, len)| Edit::Remove(at, len)),
        (any::<usize>(), 1..200_usize).prop_map(|(at, len)| Edit::Repeat(at, len)),
    ];
    proptest::collection::vec(edit, 1..8)
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for edit in edits {
        let size = text.len().max(1);
        match *edit {
            Edit::Insert(at, what) => {
                let at = (at % size).min(text.len());
                text.splice(at..at, SPLINTERS[what].chars());
            }
            Edit::Remove(at, len) => {
                let at = (at % size).min(text.len());
                text.drain(at..(at + len).min(text.len()));
            }
            Edit::Repeat(at, len) => {
                let at = (at % size).min(text.len());
                let part: Vec<char> = text[at..(at + len).min(text.len())].to_vec();
                text.splice(at..at, part);
            }
        }
    }
    text.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_rule_file_breaks_the_loader(which in 0..RULES.len(), edits in edits()) {
        let folder = Folder::new(&[("rules/a.yaml", &edited(RULES[which], &edits))]);
        match folder.load() {
            Ok(loaded) => prop_assert!(loaded.warnings.errors() == 0),
            Err(complaints) => prop_assert!(complaints.errors() > 0 && !complaints.to_string().is_empty()),
        }
    }

    #[test]
    fn no_settings_file_breaks_the_loader(edits in edits()) {
        prop_assert!(!said_of_settings(&edited(SETTINGS, &edits), &[]).is_empty());
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC*") {
        let complaint = crate::config::yaml::parse(&text, 0).err();
        prop_assert!(complaint.is_none_or(|complaint| !complaint.message.is_empty()));
    }
}
