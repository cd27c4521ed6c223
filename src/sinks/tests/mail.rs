//! Threads, subjects, and what the words of a mail server mean.

use super::*;
use crate::model::{
    Ending, Kind as What, Level,
    samples::{change, notification, resolved},
};

const TO: [&str; 3] = ["a@example.org", "b@example.org", "c@example.org"];

fn email() -> Arc<dyn Sink> {
    let to = TO.join(", ");
    parse(&format!(
        "email: {{ smtp: \"smtps://mail.example\", from: \"highwater <alerts@example.org>\", to: [{to}] }}"
    ))
    .into_sink()
}

fn letter(message: &Message) -> Letter {
    let Message::Mail(letter) = message else { panic!("{message:?}") };
    (**letter).clone()
}

fn fired() -> Delivery {
    delivery(notification(vec![change(What::Fired, Level::Critical)]))
}

fn reply(step: MailStep, code: u16, said: &str) -> MailReply {
    MailReply { step, code, said: said.to_owned(), refused: Vec::new() }
}

fn classify(sink: &Arc<dyn Sink>, letter: &Letter, reply: MailReply) -> Verdict {
    let message = Message::Mail(Box::new(letter.clone()));
    sink.classify(&Asked { delivery: &fired(), message: &message, handle: None }, &Answer::Mail(reply))
}

#[test]
fn fired_and_recovered_are_one_thread_with_one_subject() {
    let sink = email();
    let first = letter(&sink.render(&fired(), None));
    assert_eq!((first.message_id.as_str(), &first.thread), ("n@example.org", &None));
    let taken = classify(&sink, &first, reply(MailStep::Content, 250, "queued"));
    let Verdict::Accepted { handle: Some(root) } = taken else { panic!("{taken:?}") };
    let mut over = delivery(notification(vec![resolved(Ending::Cleared)]));
    over.notification.notification_id = "m".to_owned();
    let second = letter(&sink.render(&over, Some(&root)));
    assert_eq!(second.thread.as_deref(), Some("n@example.org"));
    assert_eq!(second.message_id, "m@example.org");
    assert_eq!(first.subject, second.subject);
    assert_eq!(first.subject, "Disk used on a data node (main)");
    let third = classify(&sink, &second, reply(MailStep::Content, 250, "queued"));
    assert_eq!(third, Verdict::Accepted { handle: Some(root) }, "the root stays the root");
}

#[test]
fn what_a_server_says_decides_by_where_it_says_it() {
    let sink = email();
    let whole = letter(&sink.render(&fired(), None));
    let table = [
        (MailStep::Content, 250, "2.0.0 ok", "accepted"),
        (MailStep::Greeting, 421, "too many connections", "later"),
        (MailStep::Greeting, 554, "no service for you", "misconfigured"),
        (MailStep::Login, 454, "4.7.0 temporary failure", "later"),
        (MailStep::Login, 535, "5.7.8 credentials invalid", "misconfigured"),
        (MailStep::Sender, 530, "5.7.0 authentication required", "misconfigured"),
        (MailStep::Sender, 550, "5.7.60 not permitted to send as this sender", "misconfigured"),
        (MailStep::Sender, 552, "5.3.4 message too big", "never"),
        (MailStep::Recipients, 450, "4.2.0 greylisted", "later"),
        (MailStep::Recipients, 550, "5.1.1 no such user", "misconfigured"),
        (MailStep::Recipients, 554, "5.7.1 relay access denied", "misconfigured"),
        (MailStep::Content, 452, "4.3.1 disk full", "later"),
        (MailStep::Content, 552, "5.2.3 too large", "never"),
        (MailStep::Content, 554, "5.6.0 looks like spam", "never"),
    ];
    for (step, code, said, verdict) in table {
        assert_eq!(
            classify(&sink, &whole, reply(step, code, said)).name(),
            verdict,
            "{step:?} {code} {said}"
        );
    }
    let refused = vec![(TO[0].to_owned(), "no such user".to_owned())];
    let said = MailReply { refused, ..reply(MailStep::Recipients, 550, "5.1.1 no such user") };
    let Verdict::Misconfigured { why } = classify(&sink, &whole, said) else { panic!() };
    assert_eq!(why, "answered 550: 5.1.1 no such user (to the recipient a@example.org)");
}

#[test]
fn who_is_refused_holds_nobody_up_and_nobody_has_it_twice() {
    let sink = email();
    let whole = letter(&sink.render(&fired(), None));
    assert_eq!(whole.missing, TO);
    let refused = vec![(TO[1].to_owned(), "no such user".to_owned())];
    let said = MailReply { refused: refused.clone(), ..reply(MailStep::Content, 250, "ok") };
    let Verdict::Then { handle: Some(_), message } = classify(&sink, &whole, said) else { panic!() };
    let rest = letter(&message);
    assert_eq!((&rest.missing[..], &rest.to[..]), (&[TO[1].to_owned()][..], &whole.to[..]));
    let greylisted = MailReply { refused: refused.clone(), ..reply(MailStep::Recipients, 450, "later") };
    assert_eq!(classify(&sink, &rest, greylisted).name(), "later");
    let gone = MailReply { refused, ..reply(MailStep::Recipients, 550, "no such user") };
    let Verdict::Never { why } = classify(&sink, &rest, gone) else { panic!("the others' mails would wait") };
    assert_eq!(why, "answered 550: no such user (to the recipient b@example.org); the others have it");
    let plain = letter(&sink.render_instead(&fired(), &message));
    assert_eq!((plain.missing, plain.html), (vec![TO[1].to_owned()], None));
}

#[test]
fn settings_that_cannot_work_are_told_at_once() {
    let complaints = |more: &str| parse(&format!("email: {{ {more} }}")).into_sink().complaints();
    let fine = "smtp: \"smtps://u@mail.example\", password: x, from: a@b.c, to: [d@e.f]";
    assert_eq!(complaints(fine), Vec::<String>::new());
    for wrong in [
        "smtp: mail.example, from: a@b.c, to: [d@e.f]",
        "smtp: \"smtps://u@mail.example\", from: a@b.c, to: [d@e.f]",
        "smtp: \"smtps://mail.example\", password: x, from: a@b.c, to: [d@e.f]",
        "smtp: \"smtp://u@mail.example?starttls=never\", password: x, from: a@b.c, to: [d@e.f]",
        "smtp: \"smtps://mail.example\", from: nobody, to: [d@e.f]",
        "smtp: \"smtps://mail.example\", from: a@b.c, to: [\"d@e.f\\r\\nBcc: x@y.z\"]",
        "smtp: \"smtps://mail.example\", from: a@b.c, to: []",
    ] {
        assert_eq!(complaints(wrong).len(), 1, "{wrong}");
    }
    let told = complaints("smtp: \"smtps://u:hunter2@mail.example\", from: a@b.c, to: [d@e.f]");
    assert!(told[0].contains("write it as `password`") && !told[0].contains("hunter2"), "{told:?}");
}

#[test]
fn only_a_proof_is_green_and_only_bad_news_is_urgent() {
    let sink = email();
    let html =
        |change: Change| letter(&sink.render(&delivery(notification(vec![change])), None)).html.unwrap();
    let edge = |colour: &str| format!("border-top:6px solid {colour}");
    for (change, colour) in [
        (change(What::Fired, Level::Critical), "#d7263d"),
        (change(What::Fired, Level::Warning), "#f2a100"),
        (change(What::Fired, Level::Info), "#2f80ed"),
        (resolved(Ending::Cleared), "#2eb67d"),
        (resolved(Ending::Vanished), "#9e9e9e"),
        (resolved(Ending::NoData), "#9e9e9e"),
    ] {
        assert!(html(change).contains(&edge(colour)), "{colour}");
    }
    let urgent = |change: Change| {
        let letter = letter(&sink.render(&delivery(notification(vec![change])), None));
        letter.headers.iter().any(|(name, _)| name == "Importance")
    };
    assert!(urgent(change(What::Raised, Level::Critical)));
    assert!(!urgent(change(What::Fired, Level::Warning)));
    assert!(!urgent(resolved(Ending::Cleared)));
}
