//! Text for Slack: documents may hold what they like and still mention nobody, link nothing and break no limit.

use crate::model::wording::clean;

/// `text` with `&`, `<` and `>` escaped, at most `most` long after it; what is cut ends in `…`, never inside an escape.
pub fn escape(text: &str, most: usize) -> String {
    let text = text.lines().map(clean).collect::<Vec<_>>().join("\n");
    let whole: usize = text.chars().map(length).sum();
    let room = if whole <= most { most } else { most.saturating_sub(1) };
    let mut out = String::with_capacity(text.len());
    let mut used = 0;
    for c in text.chars() {
        used += length(c);
        if used > room {
            break;
        }
        match escaped(c) {
            Some(escape) => out.push_str(escape),
            None => out.push(c),
        }
    }
    if whole > most {
        out.push('…');
    }
    out
}

/// `<url|label>`, where the URL is one that can be clicked; its own delimiters are percent-encoded.
pub fn link(url: &str, label: &str) -> Option<String> {
    let fine = url.starts_with("https://") || url.starts_with("http://");
    let mut out = String::from("<");
    for c in clean(url).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            '|' => out.push_str("%7C"),
            ' ' => out.push_str("%20"),
            c => out.push(c),
        }
    }
    out.push_str(&format!("|{}>", escape(label, 100)));
    (fine && out.chars().count() <= 2000).then_some(out)
}

fn escaped(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

/// As Slack counts at worst: a character outside the basic plane is two.
fn length(c: char) -> usize {
    escaped(c).map_or(c.len_utf16(), str::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_three_characters_are_escaped() {
        assert_eq!(escape("a & <!channel> \"q\" `c` *b*", 99), "a &amp; &lt;!channel&gt; \"q\" `c` *b*");
    }

    #[test]
    fn a_cut_is_never_inside_an_escape_and_never_over_the_limit() {
        let text = "ab&<>é😀".repeat(50);
        for most in 1..120 {
            let cut = escape(&text, most);
            assert!(cut.encode_utf16().count() <= most, "{most}: {cut}");
            let rest = cut.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
            assert!(!rest.contains('&'), "{most}: {cut}");
            assert!(cut.ends_with('…'));
        }
        assert_eq!(escape("&&", 10), "&amp;&amp;");
    }

    #[test]
    fn a_link_cannot_be_left_early() {
        let link = link("https://wiki/a|b> <!here>?x=1&y=2", "runbook").unwrap();
        assert_eq!(link, "<https://wiki/a%7Cb%3E%20%3C!here%3E?x=1&amp;y=2|runbook>");
        assert_eq!(super::link("javascript:alert(1)", "runbook"), None);
        assert_eq!(super::link("!channel", "runbook"), None);
    }
}
