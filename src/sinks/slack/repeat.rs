//! What may be a repeat says so: Slack has no key by which it would know one.

use serde_json::Value;

use crate::sinks::{Answer, Message, Request};

/// First in the message's own text.
const MARK: &str = "_May be a repeat: Slack's answer to an earlier attempt was lost._\n";

/// The same message with the mark; `None` where it cannot be in the channel twice, or has the mark.
pub fn marked(message: &Message, answer: Option<&Answer>) -> Option<Message> {
    let Message::Http(request) = message else { return None };
    // to edit twice is to edit once
    if request.path == "/chat.update" || answer.is_some_and(is_clear) {
        return None;
    }
    let mut body: Value = serde_json::from_str(&request.body).ok()?;
    let text = body["text"].as_str().filter(|text| !text.starts_with(MARK))?;
    body["text"] = format!("{MARK}{text}").into();
    Some(Message::Http(Request { body: body.to_string(), ..request.clone() }))
}

/// Whether the answer says that the message was not taken.
pub fn is_clear(answer: &Answer) -> bool {
    match answer {
        Answer::Lost(_) => false,
        // of a gateway, which has got no answer either
        Answer::Http { status: 504, .. } => false,
        // "it is possible some aspect of the operation succeeded before the error was raised"
        Answer::Http { body, .. } => {
            !["internal_error", "fatal_error"].iter().any(|word| body.contains(word))
        }
        Answer::Unreached(_) | Answer::Unsent(_) | Answer::Written | Answer::Mail(_) => true,
    }
}
