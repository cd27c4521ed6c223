//! From a letter to the bytes of a message: the same letter is always the same bytes.

use std::time::SystemTime;

use lettre::{
    Message,
    message::{
        Mailbox, MultiPart, MultiPartKind, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};

use crate::{model::wording::clean, sinks::Letter};

/// The error says what cannot be sent.
pub fn bytes(letter: &Letter) -> Result<Vec<u8>, String> {
    let mut builder = Message::builder()
        .from(mailbox(&letter.from)?)
        .date(SystemTime::from(letter.at))
        .subject(clean(&letter.subject))
        .message_id(Some(bracketed(&letter.message_id)));
    for to in &letter.to {
        builder = builder.to(mailbox(to)?);
    }
    if let Some(thread) = &letter.thread {
        builder = builder.in_reply_to(bracketed(thread)).references(bracketed(thread));
    }
    for (name, value) in &letter.headers {
        let name = HeaderName::new_from_ascii(name.clone()).map_err(|_| format!("`{name}` is no header"))?;
        builder = builder.raw_header(HeaderValue::new(name, clean(value)));
    }
    let text = SinglePart::plain(letter.text.clone());
    let message = match &letter.html {
        None => builder.singlepart(text),
        Some(html) => builder.multipart(
            MultiPart::builder()
                .kind(MultiPartKind::Alternative)
                .boundary(boundary(&letter.message_id))
                .singlepart(text)
                .singlepart(SinglePart::html(html.clone())),
        ),
    };
    Ok(message.map_err(|error| format!("this message cannot be sent: {error}"))?.formatted())
}

/// How we greet: the host that the sender belongs to.
pub fn host(letter: &Letter) -> String {
    mailbox(&letter.from).map_or("localhost".to_owned(), |from| from.email.domain().to_owned())
}

pub fn mailbox(text: &str) -> Result<Mailbox, String> {
    text.parse().map_err(|_| format!("`{text}` is no address"))
}

/// An id holds nothing that could end it.
fn bracketed(id: &str) -> String {
    let fine =
        |c: &char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '\\' | '(' | ')' | ',' | ';' | ':');
    format!("<{}>", id.chars().filter(fine).take(200).collect::<String>())
}

fn boundary(id: &str) -> String {
    let fine = |c: &char| c.is_ascii_alphanumeric();
    format!("highwater-{}", id.chars().filter(fine).take(50).collect::<String>())
}
