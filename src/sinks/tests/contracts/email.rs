use super::Contract;
use crate::{
    model::notification::Delivery,
    sinks::{Letter, Message},
};

pub const CONTRACT: Contract = Contract {
    status: |_| "misconfigured",
    limits: keeps_to_what_clients_show,
    harmless: |message| is_inert(letter(message)),
    retry_after: false,
};

fn letter(message: &Message) -> &Letter {
    let Message::Mail(letter) = message else { panic!("{message:?}") };
    letter
}

fn keeps_to_what_clients_show(message: &Message, delivery: &Delivery) {
    let letter = letter(message);
    assert!((1..=120).contains(&letter.subject.chars().count()));
    assert!(letter.text.chars().count() <= 41_000);
    let html = letter.html.as_deref().unwrap_or_default();
    assert!(html.len() < 100_000, "{} bytes", html.len());
    let alerts = delivery.notification.alerts.len();
    if alerts > 20 {
        let more = format!("and {} more", alerts - 20);
        assert!(letter.text.contains(&more) && (html.is_empty() || html.contains(&more)));
    }
}

const ELEMENTS: [&str; 14] =
    ["html", "head", "meta", "style", "body", "table", "tr", "td", "div", "span", "b", "a", "br", "!doctype"];

/// Every tag is one of the house's, and only the runbook is a link.
fn is_inert(letter: &Letter) -> Result<(), String> {
    let mut one_line =
        letter.headers.iter().map(|(_, value)| value).chain([&letter.subject, &letter.message_id]);
    if let Some(line) = one_line.find(|line| line.chars().any(char::is_control)) {
        return Err(format!("{line:?} is no line"));
    }
    let html = letter.html.as_deref().unwrap_or_default();
    if html.contains("{ROWS}") || html.contains("{PREVIEW}") {
        return Err(html.to_owned());
    }
    for tag in html.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').ok_or(tag)?;
        let name = tag.trim_start_matches('/').split(' ').next().unwrap_or_default();
        let attributes: Vec<&str> = tag.split(' ').filter(|part| part.contains('=')).collect();
        let odd = attributes.iter().any(|one| one.starts_with("on") || one.starts_with("src"));
        let link = attributes.iter().find(|one| one.starts_with("href="));
        let far = link.is_some_and(|link| !link.starts_with("href=\"https://runbooks/disk\""));
        if !ELEMENTS.contains(&name) || odd || far || text.contains('"') && name != "style" {
            return Err(format!("<{tag}>{text}"));
        }
    }
    Ok(())
}
