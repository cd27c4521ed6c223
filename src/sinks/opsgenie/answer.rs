//! What Opsgenie's answers mean: first that a request was taken, then what came of it.

use std::time::Duration;

use serde_json::Value;

use super::{
    Opsgenie,
    request::{self, Look, Question, Step},
};
use crate::{
    model::{
        Kind,
        notification::{Delivery, Handle},
        wording,
    },
    sinks::{Answer, Asked, Message, Verdict, answered, in_words, page::Page},
};

/// Between two looks at what came of a request.
const PAUSE: Duration = Duration::from_secs(1);
/// A request without a result after so many looks is made again: its alias keeps it from being a second alert.
const LOOKS: u32 = 60;

pub fn classify(sink: &Opsgenie, asked: &Asked<'_>, answer: &Answer) -> Verdict {
    let (status, after, body) = match answered(answer) {
        Ok(answer) => answer,
        Err(verdict) => return verdict,
    };
    let why = in_words(status, body);
    let json: Value = serde_json::from_str(body).unwrap_or_default();
    match (Question::of(asked.message), status) {
        (_, 408 | 425 | 429 | 500..=599) => Verdict::Later { after, why },
        (Question::Step(step), 200..=299) => taken(step, &json, why),
        (Question::Step(Step::Close), 404) if says(&json, "alert") => Verdict::Accepted { handle: None },
        (Question::Look(look), 200..=299) => came_of(sink, look, asked, (&json["data"], why)),
        (Question::Look(look), 404) => look_again(sink, look, asked),
        _ => refused(status, &json, why),
    }
}

/// In the queue there, and no more.
fn taken(step: Step, json: &Value, why: String) -> Verdict {
    match json["requestId"].as_str().filter(|id| request::is_segment(id)) {
        Some(id) => {
            let message = request::look(id, Look { of: step, before: 0 });
            Verdict::Then { handle: None, message: Box::new(message) }
        }
        None => Verdict::Misconfigured {
            why: format!("{why}; Opsgenie would give a `requestId`: is `url` its API's?"),
        },
    }
}

fn refused(status: u16, json: &Value, why: String) -> Verdict {
    match status {
        300..=399 => Verdict::Misconfigured { why: format!("{why}; redirects are not followed") },
        401..=405 | 407 | 410 => Verdict::Misconfigured { why },
        // a key that cannot be one is no fault of the message
        422 if says(json, "key") => Verdict::Misconfigured { why },
        _ => Verdict::Never { why },
    }
}

fn came_of(sink: &Opsgenie, look: Look, asked: &Asked<'_>, (data, why): (&Value, String)) -> Verdict {
    let words = data["status"].as_str().unwrap_or_default();
    match data["isSuccess"].as_bool().or(data["success"].as_bool()) {
        Some(true) => done(sink, look.of, asked.delivery),
        Some(false) if words.to_ascii_lowercase().contains("yet") => look_again(sink, look, asked),
        Some(false) if is_gone(words) => gone(sink, look.of, asked.delivery),
        Some(false) => Verdict::Never { why: format!("took it, and then said: {}", wording::clean(words)) },
        None => Verdict::Misconfigured { why },
    }
}

/// The next step, if this was not the last.
fn done(sink: &Opsgenie, step: Step, delivery: &Delivery) -> Verdict {
    let page = Page::of(delivery);
    let handle = (step == Step::Create).then(|| Handle(page.key().to_owned()));
    let next = match step {
        Step::Create if page.is_over() => Step::Close,
        Step::Priority => Step::Note,
        Step::Create | Step::Note | Step::Close => return Verdict::Accepted { handle },
    };
    Verdict::Then { handle, message: Box::new(request::message(sink, next, delivery)) }
}

/// Somebody closed or deleted it there. What got worse or still fires opens it again; an end or an easing is no reason to call.
fn gone(sink: &Opsgenie, step: Step, delivery: &Delivery) -> Verdict {
    let kind = Page::of(delivery).kind();
    match (step, kind) {
        (Step::Priority | Step::Note, Some(Kind::Raised | Kind::Reminded)) => {
            let message = request::message(sink, Step::Create, delivery);
            Verdict::Then { handle: None, message: Box::new(message) }
        }
        (Step::Create, _) => {
            Verdict::Never { why: "took it, and then said that there is no such alert".to_owned() }
        }
        _ => Verdict::Accepted { handle: None },
    }
}

fn look_again(sink: &Opsgenie, look: Look, asked: &Asked<'_>) -> Verdict {
    let message = if look.before < LOOKS {
        with_one_more(asked, look)
    } else {
        request::message(sink, look.of, asked.delivery)
    };
    Verdict::Wait { message: Box::new(message), after: PAUSE }
}

fn with_one_more(asked: &Asked<'_>, look: Look) -> Message {
    let id = match asked.message {
        Message::Http(request) => request.path.rsplit('/').next().unwrap_or_default(),
        Message::Line(_) | Message::Datagrams(_) | Message::Mail(_) => "",
    };
    request::look(id, Look { before: look.before + 1, ..look })
}

fn is_gone(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    ["does not exist", "not found", "already closed", "is closed", "already been closed"]
        .iter()
        .any(|gone| words.contains(gone))
}

fn says(json: &Value, word: &str) -> bool {
    json["message"].as_str().is_some_and(|message| message.to_ascii_lowercase().contains(word))
}
