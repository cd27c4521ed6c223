mod answer;
mod html;
mod letter;
mod server;

use std::{path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

pub use self::server::{MailServer, MailTls};
use super::{Answer, Asked, Destination, Letter, Mailbox, Message, Sink, Verdict};
use crate::model::{
    notification::{Delivery, Handle},
    secret::{Part, Secret},
};

/// Mail over SMTP, as text and as HTML.
///
/// One mail per evaluation; what belongs to one episode is one thread with one subject, so that a client shows fired and recovered
/// together. The `Message-ID` is the same on every attempt. Red for critical, amber for warning, blue for info; green only for what
/// is proven to be over, grey for what ended otherwise. A recipient that is refused holds nobody else up.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// `smtps://user@host:465` (TLS from the start), or `smtp://user@host:587` (STARTTLS; on loopback none). An `@` in the user is `%40`.
    /// `?starttls=required` and `?starttls=never` say otherwise.
    pub smtp: Secret,
    /// The user's password.
    pub password: Option<Secret>,
    /// `alerts@example.org`, or `highwater <alerts@example.org>`.
    pub from: String,
    /// One or more addresses.
    pub to: Vec<String>,
    /// A file of CA certificates that are trusted beside those of the operating system, in PEM.
    pub ca: Option<String>,
}

impl Email {
    pub const EXAMPLE: &str = "email: { smtp: \"smtps://alerts%40example.org@mail.example.org:465\", password: \"${env:SMTP_PASSWORD}\", from: \"highwater <alerts@example.org>\", to: [ops@example.org] }";
}

impl Sink for Email {
    fn destination(&self) -> Destination {
        let ca = self.ca.as_ref().map(PathBuf::from);
        Destination::Mail(Mailbox { server: self.smtp.clone(), password: self.password.clone(), ca })
    }

    fn render(&self, delivery: &Delivery, handle: Option<&Handle>) -> Message {
        let html = html::page(&delivery.notification, delivery.zone);
        Message::Mail(Box::new(Letter { html: Some(html), ..letter::plain(self, delivery, handle) }))
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        Message::Mail(Box::new(letter::plain(self, delivery, None)))
    }

    /// Only to those who have not got it, and in the thread where it belongs.
    fn render_instead(&self, delivery: &Delivery, refused: &Message) -> Message {
        let mut letter = letter::plain(self, delivery, None);
        if let Message::Mail(refused) = refused {
            (letter.missing, letter.thread) = (refused.missing.clone(), refused.thread.clone());
        }
        Message::Mail(Box::new(letter))
    }

    fn classify(&self, asked: &Asked<'_>, answer: &Answer) -> Verdict {
        match (answer, asked.message) {
            (Answer::Mail(reply), Message::Mail(letter)) => answer::classify(reply, letter),
            (Answer::Mail(_), _) => Verdict::Never { why: "this message is no mail".to_owned() },
            _ => match super::answered(answer) {
                Ok(_) => Verdict::Misconfigured { why: "its `smtp` is no mail server".to_owned() },
                Err(verdict) => verdict,
            },
        }
    }

    fn pace(&self) -> Duration {
        Duration::from_millis(200)
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        self.password.iter().map(|password| ("password", password)).collect()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.smtp.is_literal() {
            let text: String = self.smtp.parts.iter().map(literal).collect();
            match MailServer::parse(&text) {
                Err(why) => complaints.push(format!("`smtp`: {why}")),
                Ok(server) => complaints.extend(server.complaint(self.password.is_some())),
            }
        }
        if self.to.is_empty() {
            complaints.push("`to` is empty; write at least one address".to_owned());
        }
        for (key, address) in self.to.iter().map(|to| ("to", to)).chain([("from", &self.from)]) {
            if letter::parse(address).is_none() {
                complaints
                    .push(format!("`{key}`: `{address}` is no address; write one like `ops@example.org`"));
            }
        }
        complaints
    }
}

fn literal(part: &Part) -> &str {
    match part {
        Part::Literal(text) => text,
        Part::Env(_) | Part::File(_) => "",
    }
}
