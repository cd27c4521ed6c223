//! Text that means nothing to a chat: nobody is mentioned, nothing is linked, nothing is bold.
//!
//! What a service has no escape for is broken by a word joiner (U+2060), which nobody sees: `@` and `://` are then only characters.

use crate::model::wording::clean;

const AT: &str = "@\u{2060}";
const SCHEME: &str = ":\u{2060}";

/// How one service reads text.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// What stands in the place of a character that would mean something.
    pub escape: fn(char) -> Option<&'static str>,
    /// How the service counts.
    pub length: fn(char) -> usize,
}

/// Discord and Mattermost.
pub const MARKDOWN: Reader = Reader { escape: markdown, length: char::len_utf16 };
/// Telegram without a parse mode.
pub const PLAIN: Reader = Reader { escape: |_| None, length: char::len_utf16 };
/// Google Chat knows no escapes, and means something by `<`.
pub const ANGLES: Reader = Reader { escape: |c| (c == '<').then_some("<\u{2060}"), length: char::len_utf8 };

impl Reader {
    /// At most `most` long, as the service counts; what is cut ends in `…`, never inside an escape.
    pub fn inert(&self, text: &str, most: usize) -> String {
        let text: Vec<String> = text.lines().map(clean).collect();
        let chars: Vec<char> = text.join("\n").chars().collect();
        let (mut out, mut used, mut fits) = (String::new(), 0, 0);
        for (at, c) in chars.iter().enumerate() {
            let piece = self.piece(*c, &chars[at + 1..]);
            used += piece.chars().map(self.length).sum::<usize>();
            if used > most {
                out.truncate(fits);
                out.push('…');
                return out;
            }
            out.push_str(&piece);
            if used + (self.length)('…') <= most {
                fits = out.len();
            }
        }
        out
    }

    fn piece(&self, c: char, after: &[char]) -> String {
        match (self.escape)(c) {
            Some(escape) => escape.to_owned(),
            None if c == '@' => AT.to_owned(),
            None if c == ':' && after.starts_with(&['/', '/']) => SCHEME.to_owned(),
            None => c.to_string(),
        }
    }
}

fn markdown(c: char) -> Option<&'static str> {
    const ESCAPES: [(char, &str); 13] = [
        ('\\', "\\\\"),
        ('`', "\\`"),
        ('*', "\\*"),
        ('_', "\\_"),
        ('~', "\\~"),
        ('|', "\\|"),
        ('<', "\\<"),
        ('>', "\\>"),
        ('[', "\\["),
        (']', "\\]"),
        ('(', "\\("),
        (')', "\\)"),
        ('#', "\\#"),
    ];
    ESCAPES.iter().find(|(known, _)| *known == c).map(|(_, escape)| *escape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_document_is_more_than_characters() {
        assert_eq!(
            MARKDOWN.inert("@all **b** [x](https://e)", 99),
            "@\u{2060}all \\*\\*b\\*\\* \\[x\\]\\(https:\u{2060}//e\\)"
        );
        assert_eq!(ANGLES.inert("<users/all> 3 < 4", 99), "<\u{2060}users/all> 3 <\u{2060} 4");
        assert_eq!(PLAIN.inert("@bob: *a*\nb", 99), "@\u{2060}bob: *a*\nb");
    }

    #[test]
    fn a_cut_is_never_over_the_limit_nor_inside_an_escape() {
        let text = "a*<@😀é://".repeat(20);
        for reader in [MARKDOWN, PLAIN, ANGLES] {
            for most in 3..80 {
                let cut = reader.inert(&text, most);
                assert!(cut.chars().map(reader.length).sum::<usize>() <= most, "{most} {cut}");
                assert!(cut.ends_with('…') && !cut.ends_with("\\…"), "{most} {cut}");
            }
        }
        assert_eq!(PLAIN.inert("abc", 3), "abc");
    }
}
