//! `sinks test`: what a service answers, in words and as an exit code.

use std::{
    io::{BufReader, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
};

use serde_json::Value;

use super::{Place, double::hear, ratio};

/// A service that answers everything so, and passes on what it was sent.
fn service(status: u16, body: &'static str) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook-with-a-secret", listener.local_addr().unwrap());
    let (to, heard) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut from = BufReader::new(stream.try_clone().unwrap());
            while let Some((_, sent)) = hear(&mut from) {
                to.send(sent).unwrap();
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                stream.write_all(head.as_bytes()).unwrap();
            }
        }
    });
    (url, heard)
}

fn place(url: &str) -> Place {
    let rules = format!("rules:\n{}", ratio("r", "a", "keep").replace("[log]", "[hook]"));
    let place = Place::new(
        "http://127.0.0.1:1",
        &rules,
        "sinks: { hook: { webhook: { url: \"${file:url.txt}\" } }, log: { stdout: {} } }",
    );
    place.write("url.txt", url);
    place
}

#[test]
fn a_service_that_takes_it_gets_both_messages_marked_as_tests() {
    let (url, heard) = service(200, "thanks");
    let said = place(&url).run(&["sinks", "test", "hook"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("delivered: the test alert, to hook; it answered 200: thanks"), "{said:?}");
    assert!(said.out.contains("delivered: its recovery, to hook"), "{said:?}");
    let sent: Vec<Value> = heard.try_iter().map(|text| serde_json::from_str(&text).unwrap()).collect();
    let told: Vec<(&Value, &Value)> = sent.iter().map(|body| (&body["test"], &body["status"])).collect();
    assert_eq!(told, [(&true.into(), &"firing".into()), (&true.into(), &"resolved".into())]);
    assert_eq!(sent[0]["alerts"][0]["episode_id"], sent[1]["alerts"][0]["episode_id"]);
}

#[test]
fn what_a_service_says_is_told_in_words_and_never_its_url() {
    for (status, body, words) in [
        (404, "no_service", "answered 404: no_service"),
        (500, "", "answered 500"),
        (400, "bad", "answered 400: bad"),
    ] {
        let (url, heard) = service(status, body);
        let said = place(&url).run(&["sinks", "test", "hook"]);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.out.contains(words), "{said:?}");
        assert!(!format!("{said:?}").contains("hook-with-a-secret"), "{said:?}");
        assert_eq!(heard.try_iter().count(), 1, "the recovery of what was not taken is not sent");
    }
}

#[test]
fn a_secret_that_is_missing_is_said_and_nothing_is_sent() {
    let place = place("x");
    std::fs::remove_file(place.path("url.txt")).unwrap();
    let said = place.run(&["sinks", "test", "hook"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("misconfigured") && said.out.contains("url.txt"), "{said:?}");
}

#[test]
fn a_line_is_printed_and_that_is_all_there_is_to_it() {
    let said = place("x").run(&["sinks", "test", "log"]);
    assert_eq!(said.code, 0, "{said:?}");
    let first: Value = serde_json::from_str(said.out.lines().next().unwrap()).unwrap();
    assert_eq!(first["test"], true);
}
