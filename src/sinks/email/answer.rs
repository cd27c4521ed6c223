//! What the words of a mail server mean.
//!
//! Until the content, everything is about who sends to whom, and so about the settings; behind it, about this message.

use crate::{
    model::notification::Handle,
    sinks::{Letter, MailReply, MailStep, Message, Verdict, in_words},
};

pub fn classify(reply: &MailReply, letter: &Letter) -> Verdict {
    match reply.code {
        200..=299 => taken(reply, letter),
        400..=499 => Verdict::Later { after: None, why: words(reply) },
        _ => refused(reply, letter),
    }
}

/// The first message of an episode is the root of its thread.
fn taken(reply: &MailReply, letter: &Letter) -> Verdict {
    let root = letter.thread.clone().unwrap_or_else(|| letter.message_id.clone());
    let handle = Some(Handle(root));
    if reply.refused.is_empty() {
        return Verdict::Accepted { handle };
    }
    let missing = reply.refused.iter().map(|(address, _)| address.clone()).collect();
    Verdict::Then { handle, message: Box::new(Message::Mail(Box::new(Letter { missing, ..letter.clone() }))) }
}

fn refused(reply: &MailReply, letter: &Letter) -> Verdict {
    let why = words(reply);
    let too_large = reply.code == 552 || reply.said.starts_with("5.3.4");
    let others_have_it = letter.missing.len() < letter.to.len();
    match reply.step {
        MailStep::Recipients if others_have_it => {
            Verdict::Never { why: format!("{why}; the others have it") }
        }
        MailStep::Sender if too_large => Verdict::Never { why },
        MailStep::Content if !matches!(reply.code, 530 | 535) => Verdict::Never { why },
        _ => Verdict::Misconfigured { why },
    }
}

/// `answered 550: 5.1.1 no such user (to the recipient ops@example.org)`
fn words(reply: &MailReply) -> String {
    let said = in_words(reply.code, &reply.said);
    let whom: Vec<&str> = reply.refused.iter().map(|(address, _)| address.as_str()).collect();
    let step = match reply.step {
        MailStep::Greeting => "to the greeting".to_owned(),
        MailStep::Login => "to user and password".to_owned(),
        MailStep::Sender => "to the sender".to_owned(),
        MailStep::Recipients if whom.len() == 1 => format!("to the recipient {}", whom.join("")),
        MailStep::Recipients => format!("to the recipients {}", whom.join(", ")),
        MailStep::Content => "to the message".to_owned(),
    };
    format!("{said} ({step})")
}
