//! Number after number: where a delivery is, and who was refused on the way.

use crate::{
    model::notification::Handle,
    sinks::{Message, percent_decoded},
};

/// A text message or a call to one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    pub number: String,
    pub call: bool,
}

impl Way {
    pub fn first(numbers: &[String]) -> Self {
        Self { number: numbers.first().cloned().unwrap_or_default(), call: false }
    }

    pub fn of(message: &Message) -> Option<Self> {
        let Message::Http(request) = message else { return None };
        let to = request.body.split('&').find_map(|field| field.strip_prefix("To="))?;
        Some(Self { number: percent_decoded(to), call: request.path.starts_with("/Calls") })
    }

    pub fn in_words(&self) -> String {
        format!("{} {}", if self.call { "call to" } else { "message to" }, self.number)
    }

    fn write(&self) -> String {
        format!("{}{}", if self.call { "call" } else { "text" }, self.number)
    }

    fn read(text: &str) -> Option<Self> {
        let (call, number) = match text.strip_prefix("call") {
            Some(number) => (true, number),
            None => (false, text.strip_prefix("text")?),
        };
        Some(Self { number: number.to_owned(), call })
    }
}

/// How far a delivery has come. It is kept in the handle as soon as somebody was refused, under the id of its notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    notification_id: String,
    /// Everybody was asked: the refused ones are asked again, so that the delivery ends as they do.
    again: bool,
    refused: Vec<Way>,
}

impl Round {
    /// What is known of `notification_id`; of another notification, nothing.
    pub fn read(handle: Option<&Handle>, notification_id: &str) -> Self {
        let mut round =
            Self { notification_id: notification_id.to_owned(), again: false, refused: Vec::new() };
        let mut words = handle.map_or("", |handle| handle.0.as_str()).split(' ');
        if words.next() == Some(notification_id) {
            round.again = words.next() == Some("again");
            round.refused = words.filter_map(Way::read).collect();
        }
        round
    }

    pub fn handle(&self) -> Option<Handle> {
        let ways: Vec<String> = self.refused.iter().map(Way::write).collect();
        let turn = if self.again { "again" } else { "first" };
        (!ways.is_empty()).then(|| Handle(format!("{} {turn} {}", self.notification_id, ways.join(" "))))
    }

    /// Who is next after `way`, among all `ways`; `None`: this was the last, and decides.
    pub fn after(&mut self, way: &Way, ways: &[Way], refused: bool) -> Option<Way> {
        if self.again {
            return self.next_refused(way, refused);
        }
        if refused && !self.refused.contains(way) {
            self.refused.push(way.clone());
        }
        let next = ways.iter().position(|one| one == way).and_then(|at| ways.get(at + 1));
        match next {
            Some(next) => Some(next.clone()),
            None if refused => None,
            None => {
                self.again = true;
                self.refused.first().cloned()
            }
        }
    }

    /// The first that is refused twice decides.
    fn next_refused(&mut self, way: &Way, refused: bool) -> Option<Way> {
        if refused {
            return None;
        }
        let next = self.refused.iter().position(|one| one == way).and_then(|at| self.refused.get(at + 1));
        next.cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(number: &str) -> Way {
        Way { number: number.to_owned(), call: false }
    }

    /// Who is asked in which order, and whether the last answer was a refusal.
    fn asked(refusing: &[&str]) -> (Vec<String>, bool) {
        let ways = [way("+1"), way("+2"), way("+3")];
        let (mut current, mut handle) = (ways[0].clone(), None);
        let mut asked = Vec::new();
        loop {
            asked.push(current.number.clone());
            let refused = refusing.contains(&current.number.as_str());
            let mut round = Round::read(handle.as_ref(), "n");
            let next = round.after(&current, &ways, refused);
            handle = round.handle().or(handle);
            match next {
                Some(next) => current = next,
                None => return (asked, refused),
            }
        }
    }

    #[test]
    fn a_refused_number_holds_nobody_up_and_decides_in_the_end() {
        assert_eq!(asked(&[]), (vec!["+1".into(), "+2".into(), "+3".into()], false));
        assert_eq!(asked(&["+3"]), (vec!["+1".into(), "+2".into(), "+3".into()], true));
        assert_eq!(asked(&["+1"]), (vec!["+1".into(), "+2".into(), "+3".into(), "+1".into()], true));
        let all = asked(&["+1", "+2", "+3"]);
        assert_eq!(all, (vec!["+1".into(), "+2".into(), "+3".into()], true));
    }

    #[test]
    fn what_was_refused_of_an_earlier_notification_is_forgotten() {
        let handle = Handle("old again text+1".to_owned());
        assert_eq!(Round::read(Some(&handle), "new").handle(), None);
        let known = Round::read(Some(&handle), "old");
        assert!(known.again && known.refused == [way("+1")]);
    }
}
