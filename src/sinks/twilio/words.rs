//! Few words: for a small screen, and to be read out.

use chrono_tz::Tz;

use crate::model::{
    Level,
    notification::{Notification, Status},
    wording,
};

/// Two parts of a text message hold 306 characters, or about half of that in other alphabets.
const TEXT: usize = 300;
const TITLE: usize = 120;
const SPOKEN: usize = 400;

/// With three dots for the one that would cost a text message half of its room.
pub fn text(notification: &Notification, zone: Tz) -> String {
    let title = wording::cut(&wording::title(notification), TITLE);
    let rest = wording::brief(notification, zone, TEXT - title.chars().count() - 1);
    format!("{title}\n{rest}").replace('…', "...")
}

/// A call is for what gets bad, not for what gets better.
pub fn is_urgent(notification: &Notification) -> bool {
    notification.status == Status::Firing && notification.level == Level::Critical
}

/// TwiML that reads it out twice.
pub fn spoken(notification: &Notification, zone: Tz) -> String {
    let title = wording::cut(&wording::title(notification), TITLE);
    let rest = wording::brief(notification, zone, SPOKEN - TITLE).replace('\n', ". ");
    format!("<Response><Say loop=\"2\">{}</Say></Response>", escaped(&format!("{title}. {rest}")))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // XML has no place for these two
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use chrono_tz::UTC;

    use super::*;
    use crate::model::{
        Kind,
        samples::{change, notification},
    };

    #[test]
    fn what_is_read_out_cannot_become_an_order() {
        let mut nasty = notification(vec![change(Kind::Fired, Level::Critical)]);
        nasty.summary = "</Say><Dial>+4512345678</Dial>&<Say>\u{ffff}".to_owned();
        let words = spoken(&nasty, UTC);
        assert!(words.starts_with("<Response><Say loop=\"2\">CRITICAL: &lt;/Say&gt;&lt;Dial&gt;"), "{words}");
        assert_eq!(words.matches('<').count(), 4);
        assert!(!words.contains('\u{ffff}'));
    }

    #[test]
    fn a_call_is_for_what_gets_bad() {
        assert!(is_urgent(&notification(vec![change(Kind::Raised, Level::Critical)])));
        assert!(!is_urgent(&notification(vec![change(Kind::Fired, Level::Warning)])));
        assert!(!is_urgent(&notification(vec![crate::model::samples::resolved(
            crate::model::Ending::Cleared
        )])));
    }
}
