//! A bot's messages: one per alert, edited while the alert lasts, with replies in its thread for what nobody may miss.
//!
//! Each delivery is one or two requests (edit, then reply); each is kept before it is sent, so that none is repeated after a
//! restart but the one whose answer is not known. What a request is for stands in its own metadata.

use serde_json::{Value, json};

use super::{api, blocks, quieten};
use crate::{
    model::notification::{Delivery, Handle, Notification},
    sinks::{Answer, Asked, Message, Method, Request, Verdict},
};

const POST: &str = "/chat.postMessage";
const UPDATE: &str = "/chat.update";

/// The settings of a bot that its messages depend on.
#[derive(Clone, Copy, Debug)]
pub struct Bot<'a> {
    pub channel: &'a str,
    pub reply_when_raised: bool,
    pub reply_when_recovered: bool,
}

/// What one request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A message of its own, which edits follow.
    Post,
    Edit,
    /// The same without its blocks, which Slack refused.
    PlainEdit,
    /// In the thread of the alert's message.
    Reply,
    /// What would have been a reply, where the thread takes none.
    Notice,
}

impl Step {
    const ALL: [Self; 5] = [Self::Post, Self::Edit, Self::PlainEdit, Self::Reply, Self::Notice];

    const fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Edit => "edit",
            Self::PlainEdit => "plain_edit",
            Self::Reply => "reply",
            Self::Notice => "notice",
        }
    }

    /// `None`: it was made for something else than a bot.
    fn of(message: &Message) -> Option<Self> {
        let Message::Http(request) = message else { return None };
        if ![POST, UPDATE].contains(&request.path.as_str()) {
            return None;
        }
        let body: Value = serde_json::from_str(&request.body).ok()?;
        let name = body["metadata"]["event_payload"]["step"].as_str().unwrap_or("post");
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    pub const fn is_edit(self) -> bool {
        matches!(self, Self::Edit | Self::PlainEdit)
    }
}

impl Bot<'_> {
    /// An edit where there is something to edit.
    pub fn first(&self, delivery: &Delivery, handle: Option<&Handle>) -> Message {
        match handle.and_then(place) {
            Some(place) => edit(delivery, place, Step::Edit),
            None => self.post(delivery),
        }
    }

    fn post(&self, delivery: &Delivery) -> Message {
        let mut body = blocks::message(&delivery.notification, delivery.zone);
        body["channel"] = self.channel.into();
        request(POST, body, &delivery.notification, Step::Post)
    }

    /// Without anything that Slack could refuse.
    pub fn plain(&self, text: String) -> Message {
        sealed(POST, json!({ "channel": self.channel, "text": text }))
    }

    pub fn classify(&self, asked: &Asked<'_>, answer: &Answer) -> Verdict {
        let (status, after, body) = match crate::sinks::answered(answer) {
            Ok(answer) => answer,
            Err(verdict) => return verdict,
        };
        // kept when the sink's settings were others
        let Some(step) = Step::of(asked.message) else {
            return then(None, self.first(asked.delivery, asked.handle));
        };
        match api::read(status, after, body, step) {
            api::Said::Taken { place } => self.after(asked, step, place),
            api::Said::Final(verdict) => verdict,
            api::Said::Gone => self.instead(asked, step),
            api::Said::Poison { why } => self.milder(asked, step, why),
        }
    }

    /// What follows a step that was taken.
    fn after(&self, asked: &Asked<'_>, step: Step, place: Option<Handle>) -> Verdict {
        match step {
            Step::Post => Verdict::Accepted { handle: place },
            Step::Reply | Step::Notice => Verdict::Accepted { handle: None },
            Step::Edit | Step::PlainEdit => {
                let handle = asked.handle.cloned();
                match handle.as_ref().and_then(|handle| self.reply(asked.delivery, handle)) {
                    Some(reply) => then(handle, reply),
                    None => Verdict::Accepted { handle },
                }
            }
        }
    }

    /// The message that was to be edited is gone, or its thread.
    fn instead(&self, asked: &Asked<'_>, step: Step) -> Verdict {
        match step {
            Step::Reply => then(None, self.notice(asked.delivery)),
            _ => then(None, self.post(asked.delivery)),
        }
    }

    /// What Slack would not take as it is.
    fn milder(&self, asked: &Asked<'_>, step: Step, why: String) -> Verdict {
        match (step, asked.handle.and_then(place)) {
            (Step::Edit, Some(place)) => then(None, edit(asked.delivery, place, Step::PlainEdit)),
            (Step::Reply, _) => then(None, self.notice(asked.delivery)),
            _ => Verdict::Never { why },
        }
    }

    /// What goes into the thread, where it is news that an edit would let pass unseen.
    fn reply(&self, delivery: &Delivery, handle: &Handle) -> Option<Message> {
        let news = blocks::News::of(&delivery.notification)?;
        let wanted = match news {
            blocks::News::Raised => self.reply_when_raised,
            blocks::News::Over => self.reply_when_recovered,
            blocks::News::Reminded => true,
        };
        let (channel, ts) = place(handle).filter(|_| wanted)?;
        let mut body = blocks::reply(&delivery.notification, delivery.zone);
        body["channel"] = channel.into();
        body["thread_ts"] = ts.into();
        body["reply_broadcast"] = (news == blocks::News::Raised).into();
        Some(request(POST, body, &delivery.notification, Step::Reply))
    }

    fn notice(&self, delivery: &Delivery) -> Message {
        let mut body = blocks::reply(&delivery.notification, delivery.zone);
        body["channel"] = self.channel.into();
        request(POST, body, &delivery.notification, Step::Notice)
    }
}

/// What is asked next: of what is begun its own, otherwise an edit where there is something to edit.
pub fn method(handle: Option<&Handle>, message: Option<&Message>) -> &'static str {
    let edits = match message {
        Some(Message::Http(request)) => request.path == UPDATE,
        Some(_) => false,
        None => handle.and_then(place).is_some(),
    };
    if edits { UPDATE } else { POST }
}

/// Channel id and `ts`, as a handle has them: `C0123/1711.0001`.
fn place(handle: &Handle) -> Option<(&str, &str)> {
    handle.0.split_once('/')
}

fn edit(delivery: &Delivery, (channel, ts): (&str, &str), step: Step) -> Message {
    let mut body = match step {
        Step::PlainEdit => blocks::plain(&delivery.notification),
        _ => blocks::message(&delivery.notification, delivery.zone),
    };
    body["channel"] = channel.into();
    body["ts"] = ts.into();
    request(UPDATE, body, &delivery.notification, step)
}

fn then(handle: Option<Handle>, message: Message) -> Verdict {
    Verdict::Then { handle, message: Box::new(message) }
}

/// The metadata is what other apps may find a message by, and what tells a repeat.
fn request(path: &str, mut body: Value, notification: &Notification, step: Step) -> Message {
    let mut payload = json!({ "notification_id": notification.notification_id, "step": step.name() });
    if let [only] = &notification.alerts[..] {
        payload["alert_key"] = only.alert_key.clone().into();
        payload["event_id"] = only.event_id.clone().into();
    }
    body["metadata"] = json!({ "event_type": "highwater_alert", "event_payload": payload });
    sealed(path, body)
}

fn sealed(path: &str, mut body: Value) -> Message {
    quieten(&mut body);
    let headers = vec![("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned())];
    Message::Http(Request { method: Method::Post, path: path.to_owned(), headers, body: body.to_string() })
}
