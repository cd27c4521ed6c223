mod recipients;
mod words;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use self::recipients::{Round, Way};
use super::{Answer, Asked, Destination, Endpoint, Message, Portions, Sink, Verdict, answered};
use crate::model::{
    notification::{Delivery, Handle, Notification},
    secret::{Part, Secret},
};

/// Twilio: a text message on telephones, and a call if wanted.
///
/// One message of at most two or three parts per alert and number, one number after the other: a number that is refused holds
/// nobody else up. When more than 3 alerts fire at once, the worst 2 come alone, the others together.
/// With `call`, what fires at critical also rings, and is read out; then all that fires at once is one message.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Twilio {
    /// `AC…`
    pub account_sid: Secret,
    /// The account's token.
    pub auth_token: Secret,
    /// A number of the account (`+4512345678`), or a messaging service (`MG…`), which cannot call.
    pub from: String,
    /// Numbers with `+` and country.
    pub to: Vec<String>,
    /// Also call for what fires at critical.
    #[serde(default)]
    pub call: bool,
    /// Another address for the service.
    #[serde(default = "service")]
    pub url: Secret,
}

fn service() -> Secret {
    Secret::literal("https://api.twilio.com")
}

impl Twilio {
    pub const EXAMPLE: &str = "twilio: { account_sid: \"${env:TWILIO_ACCOUNT_SID}\", auth_token: \"${env:TWILIO_AUTH_TOKEN}\", from: \"+4570000000\", to: [\"+4512345678\"] }";
}

impl Sink for Twilio {
    /// The account is a part of every address.
    fn destination(&self) -> Destination {
        let mut parts = without_last_slash(&self.url);
        parts.push(Part::Literal("/2010-04-01/Accounts/".to_owned()));
        parts.extend(self.account_sid.parts.iter().cloned());
        let mut endpoint = Endpoint::new(Secret { parts });
        endpoint.basic = Some((self.account_sid.clone(), self.auth_token.clone()));
        Destination::Http(endpoint)
    }

    fn render(&self, delivery: &Delivery, _: Option<&Handle>) -> Message {
        self.message(delivery, &Way::first(&self.to))
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        self.render(delivery, None)
    }

    /// Only to the number that was refused: the others have it.
    fn render_instead(&self, _: &Delivery, refused: &Message) -> Message {
        refused.clone()
    }

    fn portions(&self) -> Portions {
        if self.call { Portions::Each { most: 1, single: 0 } } else { Portions::Each { most: 3, single: 2 } }
    }

    fn classify(&self, asked: &Asked<'_>, answer: &Answer) -> Verdict {
        let (status, after, body) = match answered(answer) {
            Ok(answer) => answer,
            Err(verdict) => return verdict,
        };
        let why = super::in_words(status, body);
        let code = serde_json::from_str::<Value>(body).unwrap_or_default()["code"].as_u64();
        match (status, code) {
            (408 | 425 | 429 | 500..=599, _) => Verdict::Later { after, why },
            (200 | 201, _) => self.go_on(asked, None),
            (_, Some(code)) if LATER.contains(&code) => Verdict::Later { after, why },
            (_, Some(code)) if ABOUT_THE_NUMBER.contains(&code) => self.go_on(asked, Some(why)),
            (_, Some(code)) if ABOUT_THE_SENDER.contains(&code) => Verdict::Misconfigured { why },
            (300..=399, _) => Verdict::Misconfigured { why: format!("{why}; redirects are not followed") },
            (400 | 413 | 422, _) => self.go_on(asked, Some(why)),
            _ => Verdict::Misconfigured { why },
        }
    }

    /// One message a second is what a long code takes.
    fn pace(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        vec![("auth_token", &self.auth_token)]
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = super::complaint_about_url("url", &self.url).into_iter().collect();
        if self.to.is_empty() {
            complaints.push("`to` is empty; write at least one number".to_owned());
        }
        for number in self.to.iter().filter(|number| !is_number(number)) {
            complaints.push(format!("`{number}` is no number; write one like `+4512345678`"));
        }
        let service = self.from.starts_with("MG");
        let name =
            (1..=11).contains(&self.from.len()) && self.from.chars().all(|c| c.is_ascii_alphanumeric());
        if self.call && !is_number(&self.from) {
            complaints.push(format!("`{}` cannot call; `from` has to be a number for that", self.from));
        } else if !is_number(&self.from) && !service && !name {
            complaints.push(format!("`{}` is no sender; write a number like `+4512345678`", self.from));
        }
        complaints
    }
}

/// Too many at once, or today.
const LATER: [u64; 4] = [20429, 21611, 14107, 63038];
/// The next number may be taken: it is none, cannot have messages, has unsubscribed, is in a country that is not allowed.
const ABOUT_THE_NUMBER: [u64; 15] =
    [21211, 21214, 21215, 21216, 21217, 21265, 21266, 21408, 21421, 21604, 21608, 21610, 21612, 21614, 21635];
/// No number will be taken: credentials, account, sender.
const ABOUT_THE_SENDER: [u64; 16] = [
    10001, 20003, 20005, 20006, 20403, 20404, 21210, 21212, 21213, 21267, 21603, 21606, 21659, 21660, 21661,
    21703,
];

/// `+` and 8 to 15 digits.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn without_last_slash(url: &Secret) -> Vec<Part> {
    let mut parts = url.parts.clone();
    if let Some(Part::Literal(text)) = parts.last_mut() {
        text.truncate(text.trim_end_matches('/').len());
    }
    parts
}

impl Twilio {
    fn message(&self, delivery: &Delivery, way: &Way) -> Message {
        let sender = if self.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let (to, from) = (("To", way.number.as_str()), (sender, self.from.as_str()));
        if way.call {
            let words = words::spoken(&delivery.notification, delivery.zone);
            return Message::form("/Calls.json", &[to, from, ("Twiml", &words)]);
        }
        Message::form(
            "/Messages.json",
            &[to, from, ("Body", &words::text(&delivery.notification, delivery.zone))],
        )
    }

    /// Every number has a text message, and then a call where it is urgent.
    fn ways(&self, notification: &Notification) -> Vec<Way> {
        let all = |call: bool| self.to.iter().map(move |number| Way { number: number.clone(), call });
        let calls = self.call && words::is_urgent(notification);
        all(false).chain(all(true).filter(|_| calls)).collect()
    }

    /// The next number; at the end those that were refused, so that what becomes of the delivery is what became of them.
    fn go_on(&self, asked: &Asked<'_>, refused: Option<String>) -> Verdict {
        let notification = &asked.delivery.notification;
        let Some(way) = Way::of(asked.message) else {
            return Verdict::Never { why: "this message is for nobody".to_owned() };
        };
        let mut round = Round::read(asked.handle, &notification.notification_id);
        match round.after(&way, &self.ways(notification), refused.is_some()) {
            Some(next) => {
                let message = Box::new(self.message(asked.delivery, &next));
                Verdict::Then { handle: round.handle(), message }
            }
            None => match refused {
                Some(why) => Verdict::Never { why: format!("{why} ({})", way.in_words()) },
                None => Verdict::Accepted { handle: None },
            },
        }
    }
}
