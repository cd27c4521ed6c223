//! Did you mean …?

/// The known word that is closest to `word`, if one is close.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let far = (word.chars().count() / 3).max(1);
    let measured =
        known.into_iter().map(|known| (strsim::damerau_levenshtein(&word, &known.to_lowercase()), known));
    measured.filter(|(distance, _)| *distance <= far).min().map(|(_, known)| known)
}

/// A hint for a word that is not known: the closest one, or all of them.
pub fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(near) = nearest(word, known.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let all: Vec<String> = known.into_iter().map(|word| format!("`{word}`")).collect();
    if all.is_empty() { None } else { Some(format!("known are {}", all.join(", "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word_and_a_stranger_gets_the_list() {
        assert_eq!(nearest("sumary", ["id", "summary", "check"]), Some("summary"));
        assert_eq!(nearest("Alerts", ["alerts", "hook"]), Some("alerts"));
        assert_eq!(nearest("pager", ["alerts", "hook"]), None);
        assert_eq!(hint("pager", ["alerts", "hook"]).as_deref(), Some("known are `alerts`, `hook`"));
        assert_eq!(hint("pager", []), None);
    }
}
