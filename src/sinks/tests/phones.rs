//! Pushover, Twilio and Teams: their own words for what is wrong, and messages that come one after the other.

use super::*;
use crate::model::{
    Ending, Kind as What, Level,
    samples::{change, notification, resolved},
};

fn http(status: u16, body: &str) -> Answer {
    Answer::Http { status, retry_after: None, body: body.to_owned() }
}

fn fired() -> Delivery {
    delivery(notification(vec![change(What::Fired, Level::Critical)]))
}

/// What is sent to whom, one after the other, and how it ends.
fn play(
    sink: &Arc<dyn Sink>,
    delivery: &Delivery,
    answer: impl Fn(&Message) -> Answer,
) -> (Vec<Message>, Verdict) {
    let mut message = sink.render(delivery, None);
    let (mut sent, mut handle) = (Vec::new(), None);
    loop {
        sent.push(message.clone());
        assert!(sent.len() < 20, "it never ends");
        let asked = Asked { delivery, message: &message, handle: handle.as_ref() };
        match sink.classify(&asked, &answer(&message)) {
            Verdict::Then { handle: given, message: next } => (handle, message) = (given.or(handle), *next),
            verdict => return (sent, verdict),
        }
    }
}

fn twilio(more: &str) -> Arc<dyn Sink> {
    let text = format!(
        "twilio: {{ account_sid: \"${{env:S}}\", auth_token: \"${{env:T}}\", from: \"+4570000000\", {more} }}"
    );
    parse(&text).into_sink()
}

fn to(message: &Message) -> String {
    let Message::Http(request) = message else { unreachable!() };
    format!("{} {}", request.path, fields(message)[0].1)
}

#[test]
fn every_number_has_a_text_and_then_a_call_where_it_is_critical() {
    let sink = twilio("to: [\"+4511111111\", \"+4522222222\"], call: true");
    let (sent, verdict) = play(&sink, &fired(), |_| http(201, "{}"));
    let all = [
        "/Messages.json +4511111111",
        "/Messages.json +4522222222",
        "/Calls.json +4511111111",
        "/Calls.json +4522222222",
    ];
    assert_eq!(sent.iter().map(to).collect::<Vec<_>>(), all);
    assert_eq!(verdict.name(), "accepted");
    let over = delivery(notification(vec![resolved(Ending::Cleared)]));
    assert_eq!(play(&sink, &over, |_| http(201, "{}")).0.len(), 2, "nobody is called for what is over");
}

#[test]
fn a_number_that_is_refused_holds_nobody_up_and_is_told_of() {
    let sink = twilio("to: [\"+4511111111\", \"+4522222222\"]");
    let answer = |message: &Message| {
        if to(message).ends_with("+4511111111") { http(400, r#"{"code":21211}"#) } else { http(201, "{}") }
    };
    let (sent, verdict) = play(&sink, &fired(), answer);
    let numbers: Vec<String> = sent.iter().map(|message| fields(message)[0].1.clone()).collect();
    assert_eq!(numbers, ["+4511111111", "+4522222222", "+4511111111"]);
    let Verdict::Never { why } = verdict else { panic!("{verdict:?}") };
    assert_eq!(why, "answered 400: {\"code\":21211} (message to +4511111111)");
    let last = sent.last().unwrap();
    assert_eq!(sink.render_instead(&fired(), last), *last, "only this number is tried again");
}

#[test]
fn twilio_says_in_a_number_what_is_wrong() {
    let sink = twilio("to: [\"+4511111111\"]");
    let table = [
        (401, 20003, "misconfigured"),
        (404, 20404, "misconfigured"),
        (400, 21211, "never"),
        (400, 21610, "never"),
        (400, 21614, "never"),
        (403, 21408, "never"),
        (400, 21606, "misconfigured"),
        (400, 21212, "misconfigured"),
        (400, 21659, "misconfigured"),
        (400, 99999, "never"),
        (403, 99999, "misconfigured"),
        (429, 20429, "later"),
        (400, 63038, "later"),
        (503, 20503, "later"),
    ];
    for (status, code, verdict) in table {
        let said = said(&sink, &http(status, &format!("{{\"code\":{code},\"message\":\"m\"}}")));
        assert_eq!(said.name(), verdict, "{status} {code}");
    }
}

#[test]
fn the_account_is_in_the_address_and_its_token_in_a_header() {
    let sink = parse("twilio: { account_sid: \"${env:S}\", auth_token: \"${env:T}\", from: MGabc, to: [\"+4511111111\"], url: \"http://127.0.0.1:1/\" }").into_sink();
    let Destination::Http(endpoint) = sink.destination() else { unreachable!() };
    assert_eq!(endpoint.url.to_string(), "<hidden><hidden>${env:S}");
    let (user, token) = endpoint.basic.clone().unwrap();
    assert_eq!((user.to_string(), token.to_string()), ("${env:S}".to_owned(), "${env:T}".to_owned()));
    assert_eq!(sink.destination().secrets().len(), 3);
    assert_eq!(fields(&sink.render(&fired(), None))[1].0, "MessagingServiceSid");
}

#[test]
fn numbers_and_senders_are_looked_at() {
    for more in
        ["to: []", "to: [\"12345678\"]", "to: [\"+45 11 11 11 11\"]", "to: [\"+4511111111\"], url: ftp://a"]
    {
        assert_eq!(twilio(more).complaints().len(), 1, "{more}");
    }
    let cannot_call =
        "twilio: { account_sid: a, auth_token: b, from: MGabc, to: [\"+4511111111\"], call: true }";
    assert_eq!(parse(cannot_call).into_sink().complaints().len(), 1);
}

fn pushover(more: &str) -> Arc<dyn Sink> {
    parse(&format!("pushover: {{ token: \"${{env:T}}\", user: \"${{env:U}}\" {more} }}")).into_sink()
}

#[test]
fn pushover_says_which_key_is_wrong() {
    let sink = pushover("");
    let table = [
        (200, r#"{"status":1,"request":"r"}"#, "accepted"),
        (400, r#"{"user":"invalid","errors":["user identifier is invalid"],"status":0}"#, "misconfigured"),
        (400, r#"{"token":"invalid","errors":["application token is invalid"],"status":0}"#, "misconfigured"),
        (400, r#"{"message":"cannot be blank","errors":["message cannot be blank"],"status":0}"#, "never"),
        (429, r#"{"errors":["application is over its quota"],"status":0}"#, "later"),
        (500, "", "later"),
    ];
    for (status, body, verdict) in table {
        assert_eq!(said(&sink, &http(status, body)).name(), verdict, "{status} {body}");
    }
}

#[test]
fn priority_follows_the_level_and_only_a_wish_makes_it_an_emergency() {
    let priority = |sink: &Arc<dyn Sink>, change: Change| {
        let fields = fields(&sink.render(&delivery(notification(vec![change])), None));
        fields.iter().find(|(name, _)| name == "priority").unwrap().1.clone()
    };
    let (calm, loud) = (pushover(""), pushover(", emergency: {}"));
    assert_eq!(priority(&calm, change(What::Fired, Level::Info)), "-1");
    assert_eq!(priority(&calm, change(What::Fired, Level::Warning)), "0");
    assert_eq!(priority(&calm, change(What::Fired, Level::Critical)), "1");
    assert_eq!(priority(&loud, change(What::Fired, Level::Critical)), "2");
    assert_eq!(priority(&loud, resolved(Ending::Cleared)), "-1");
    for wrong in [", emergency: { retry: 10s }", ", emergency: { expire: 4h }", ", devices: [\"a b\"]"] {
        assert_eq!(pushover(wrong).complaints().len(), 1, "{wrong}");
    }
}

#[test]
fn an_emergency_that_is_over_stops_sounding() {
    let sink = pushover(", emergency: {}");
    let receipt = |_: &Message| http(200, r#"{"status":1,"receipt":"rLqVuqTRh62UzxtmqiaLzQmVcPgiCy"}"#);
    let (_, verdict) = play(&sink, &fired(), receipt);
    let Verdict::Accepted { handle: Some(handle) } = verdict else { panic!("{verdict:?}") };
    let over = delivery(notification(vec![resolved(Ending::Cleared)]));
    let message = sink.render(&over, Some(&handle));
    let asked = Asked { delivery: &over, message: &message, handle: Some(&handle) };
    let taken = http(200, r#"{"status":1}"#);
    let Verdict::Then { handle: Some(none), message } = sink.classify(&asked, &taken) else { panic!() };
    let Message::Http(request) = &*message else { unreachable!() };
    assert_eq!(request.path, "/1/receipts/rLqVuqTRh62UzxtmqiaLzQmVcPgiCy/cancel.json");
    let asked = Asked { delivery: &over, message: &message, handle: Some(&none) };
    for answer in [taken, http(400, r#"{"status":0,"errors":["receipt not found"]}"#)] {
        assert_eq!(sink.classify(&asked, &answer), Verdict::Accepted { handle: None });
    }
    assert_eq!(sink.classify(&asked, &http(500, "")).name(), "later");
    let odd = http(200, r#"{"status":1,"receipt":"../../x"}"#);
    assert_eq!(play(&sink, &fired(), |_| odd.clone()).1, Verdict::Accepted { handle: None });
}

#[test]
fn teams_says_in_a_word_what_is_wrong() {
    let sink = parse("teams: { webhook_url: \"${env:X}\" }").into_sink();
    let relayed = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error";
    let table = [
        (202, String::new(), "accepted"),
        (200, "1".to_owned(), "accepted"),
        (200, format!("{relayed} 429 with ContextId x"), "later"),
        (200, format!("{relayed} 413"), "never"),
        (200, format!("{relayed} 404"), "misconfigured"),
        (400, r#"{"error":{"code":"WorkflowTriggerIsNotEnabled"}}"#.to_owned(), "misconfigured"),
        (400, r#"{"error":{"code":"TriggerInputSchemaMismatch"}}"#.to_owned(), "never"),
        (404, r#"{"error":{"code":"WorkflowNotFound"}}"#.to_owned(), "misconfigured"),
        (401, r#"{"error":{"code":"DirectApiAuthorizationRequired"}}"#.to_owned(), "misconfigured"),
    ];
    for (status, body, verdict) in table {
        assert_eq!(said(&sink, &http(status, &body)).name(), verdict, "{status} {body}");
    }
}
