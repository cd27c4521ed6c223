//! At the wire: a small server that answers by a script. The real one is among the integration tests.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{
    model::secret::Part,
    sinks::{MailReply, MailStep},
};

type Heard = Arc<Mutex<Vec<String>>>;

/// Answers each line by the first of `answers` that it begins with; else 250.
async fn server(answers: &'static [(&'static str, &'static str)]) -> (String, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard: Heard = Arc::default();
    let hearing = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _client_went = talk(stream, answers, &hearing).await;
        }
    });
    (address.to_string(), heard)
}

async fn talk(stream: TcpStream, answers: &[(&str, &str)], heard: &Heard) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let say = |command: &str, usual: &str| {
        let found = answers.iter().find(|(start, _)| command.starts_with(start));
        format!("{}\r\n", found.map_or(usual, |(_, answer)| answer))
    };
    stream.write_all(say("HELLO?", "220 here").as_bytes()).await?;
    let mut content = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end().to_owned();
        heard.lock().unwrap().push(line.clone());
        let answer = match line.as_str() {
            "." => say(".", "250 2.0.0 queued"),
            _ if content => continue,
            "DATA" => say("DATA", "354 go on"),
            "QUIT" => "221 bye\r\n".to_owned(),
            line if line.starts_with("EHLO") => say("EHLO", "250-here\r\n250 AUTH PLAIN LOGIN"),
            line => say(line, "250 fine"),
        };
        content = if line == "." { false } else { content || answer.starts_with("354") };
        stream.write_all(answer.as_bytes()).await?;
    }
}

fn literal(secret: &Secret) -> Result<String, String> {
    let part = |part: &Part| match part {
        Part::Literal(text) => Ok(text.clone()),
        Part::Env(name) | Part::File(name) => Err(format!("`{name}` is not there")),
    };
    secret.parts.iter().map(part).collect()
}

fn letter() -> Letter {
    let to = vec!["a@example.org".to_owned(), "Bé <b@example.org>".to_owned()];
    Letter {
        from: "highwater <alerts@example.org>".to_owned(),
        to: to.clone(),
        missing: to,
        at: "2026-11-21T09:16:00Z".parse().unwrap(),
        subject: "Disk".to_owned(),
        message_id: "n@example.org".to_owned(),
        thread: Some("root@example.org".to_owned()),
        headers: vec![("List-Id".to_owned(), "<disk.example.org>".to_owned())],
        text: "text\n.\nafter a dot".to_owned(),
        html: Some("<b>html</b>".to_owned()),
    }
}

async fn send(server: &str, password: Option<&str>) -> Answer {
    let mailbox =
        Mailbox { server: Secret::literal(server), password: password.map(Secret::literal), ca: None };
    Mail::new(Duration::from_secs(10)).send(&mailbox, &letter(), &literal).await
}

fn reply(answer: Answer) -> MailReply {
    let Answer::Mail(reply) = answer else { panic!("{answer:?}") };
    reply
}

#[tokio::test]
async fn a_mail_goes_to_everybody_who_is_taken() {
    let (address, heard) = server(&[("RCPT TO:<a@", "550 5.1.1 no such user")]).await;
    let reply = reply(send(&format!("smtp://{address}"), None).await);
    assert_eq!((reply.step, reply.code, reply.said.as_str()), (MailStep::Content, 250, "2.0.0 queued"));
    assert_eq!(reply.refused, [("a@example.org".to_owned(), "5.1.1 no such user".to_owned())]);
    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard[..2], ["EHLO example.org", "MAIL FROM:<alerts@example.org>"]);
    assert!(heard.contains(&"RCPT TO:<b@example.org>".to_owned()));
    assert!(heard.contains(&"Message-ID: <n@example.org>".to_owned()));
    assert_eq!(heard.iter().filter(|line| *line == ".").count(), 1, "a dot in the text ends nothing");
}

#[tokio::test]
async fn where_nobody_is_taken_the_mildest_answer_counts() {
    let (address, _) = server(&[("RCPT TO:<a@", "550 no such user"), ("RCPT TO:<b@", "450 later")]).await;
    let reply = reply(send(&format!("smtp://{address}"), None).await);
    assert_eq!((reply.step, reply.code, reply.refused.len()), (MailStep::Recipients, 450, 2));
}

#[tokio::test]
async fn a_refusal_says_at_what_and_never_what_the_password_was() {
    let (address, heard) = server(&[("AUTH", "535 5.7.8 hunter2hunter2 is wrong")]).await;
    let refused = reply(send(&format!("smtp://me@{address}"), Some("hunter2hunter2\n")).await);
    assert_eq!((refused.step, refused.code), (MailStep::Login, 535));
    assert_eq!(refused.said, "5.7.8 *** is wrong");
    assert!(heard.lock().unwrap()[1].ends_with(&STANDARD.encode("\0me\0hunter2hunter2")));
    let (address, _) = server(&[("HELLO?", "554 not today")]).await;
    assert_eq!(reply(send(&format!("smtp://{address}"), None).await).step, MailStep::Greeting);
    let (address, _) = server(&[("MAIL", "530 log in first")]).await;
    assert_eq!(reply(send(&format!("smtp://{address}"), None).await).step, MailStep::Sender);
    let (address, _) = server(&[(".", "554 5.6.0 spam")]).await;
    assert_eq!(reply(send(&format!("smtp://{address}"), None).await).code, 554);
}

#[tokio::test]
async fn nothing_is_sent_where_it_could_be_read_or_should_not_go() {
    let (address, heard) = server(&[]).await;
    let port = address.rsplit(':').next().unwrap();
    let unsent = [
        (format!("smtp://{address}?starttls=required"), None),
        ("smtp://169.254.169.254".to_owned(), None),
        ("smtps://mail.example".to_owned(), Some("password-for-nobody")),
        ("https://mail.example".to_owned(), None),
    ];
    for (url, password) in unsent {
        let answer = send(&url, password).await;
        assert!(matches!(answer, Answer::Unsent(_)), "{url}: {answer:?}");
    }
    let (no_auth, _) = server(&[("EHLO", "250 here")]).await;
    let answer = send(&format!("smtp://me@{no_auth}"), Some("password")).await;
    assert!(matches!(answer, Answer::Unsent(_)), "{answer:?}");
    let lost = send(&format!("smtps://127.0.0.1:{port}"), None).await;
    assert!(matches!(lost, Answer::Lost(_)), "{lost:?}");
    assert!(!heard.lock().unwrap().iter().any(|line| line.starts_with("MAIL")));
}

fn head(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ")
}

#[test]
fn the_same_letter_is_the_same_bytes_with_exactly_its_headers() {
    let bytes = letter::bytes(&letter()).unwrap();
    assert_eq!(bytes, letter::bytes(&letter()).unwrap());
    let head = head(&bytes);
    let names: Vec<&str> =
        head.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name).collect();
    let all = [
        "From",
        "Date",
        "Subject",
        "Message-ID",
        "To",
        "In-Reply-To",
        "References",
        "List-Id",
        "MIME-Version",
        "Content-Type",
    ];
    assert_eq!(names, all);
    assert!(head.contains("Date: Sat, 21 Nov 2026 09:16:00 +0000"), "{head}");
    assert!(head.contains("In-Reply-To: <root@example.org>"));
}

#[test]
fn no_text_makes_a_header_and_no_line_is_too_long() {
    let nasty = [
        "\r\nBcc: x@evil.example",
        "\nX-A: b",
        "\r\n\r\n<html>",
        "é\r\nBcc: x@y",
        "=?utf-8?q?=0d=0aBcc:_x?=",
        "\u{2028}a",
        "> <x@y",
    ];
    let names = head(&letter::bytes(&letter()).unwrap()).lines().count();
    for nasty in nasty {
        let long = format!("{nasty}{}", "ü&".repeat(2000));
        let mut letter = letter();
        (letter.subject, letter.message_id) = (long.clone(), long.clone());
        letter.thread = Some(long.clone());
        letter.headers[0].1 = long.clone();
        letter.html = Some(long.clone());
        letter.text = long;
        let bytes = letter::bytes(&letter).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert_eq!(head(&bytes).lines().count(), names, "{nasty:?}: {}", head(&bytes));
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc") || line.starts_with("X-A")), "{head}");
        for line in text.split("\r\n") {
            assert!(line.len() <= 998 && !line.contains(['\r', '\n']), "{line:?}");
        }
    }
}
