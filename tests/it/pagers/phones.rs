//! Against doubles of the services that ring telephones.

use super::{
    service::{Service, ends_without_a_word_of_the_key, field, told_elsewhere},
    *,
};
use crate::support::wire::{self, Seen};

const RECEIPT: &str = "r1234567890abcdefghijABCDEFGHIJ";

fn pushover() -> Service {
    Service::start(|seen| match field(seen, "priority").as_str() {
        "2" => wire::json(200, &json!({ "status": 1, "receipt": RECEIPT })),
        _ => wire::json(200, &json!({ "status": 1 })),
    })
}

/// The priority and the first word of the title, or what is asked of a receipt.
fn push(seen: &Seen) -> String {
    match seen.target.as_str() {
        "/1/messages.json" => {
            let title = field(seen, "title");
            format!("{} {}", field(seen, "priority"), title.split(':').next().unwrap_or_default())
        }
        other => other.replace(RECEIPT, "RECEIPT"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushover_rings_while_it_is_critical_stops_when_it_is_over_and_a_wrong_key_is_told_elsewhere() {
    const CANCELLED: &str = "/1/receipts/RECEIPT/cancel.json";
    let (world, service) = (World::start().await, pushover());
    let keys = json!({ "token": "${env:PAGER_KEY}", "user": "${env:PAGER_KEY}", "emergency": {}, "url": service.url() });
    let home = world.home(&json!({ "pushover": keys }));
    service.limits_once(2);
    let daemon = home.start().await;
    world.fails(60);
    service.until(&["0 WARNING"], push).await;
    world.fails(100);
    service.until(&["0 WARNING", "2 CRITICAL"], push).await;
    world.fails(0);
    service.until(&["0 WARNING", "2 CRITICAL", "-1 RECOVERED", CANCELLED], push).await;
    service.assert_believed(2);
    let asked = service.asked();
    assert!(asked.iter().all(|one| field(&one.seen, "token") == KEY));
    assert!(field(&asked[0].seen, "message").contains("checkout <!channel>"));
    let wrong = json!({ "user": "invalid", "errors": ["user identifier is invalid"], "status": 0 });
    service.refuses(400, &wrong);
    world.fails(60);
    told_elsewhere(&world, "highwater-sink-misconfigured pager", "user identifier is invalid").await;
    ends_without_a_word_of_the_key(&world, &home, daemon).await;
}

const ACCOUNT: &str = "AC00000000000000000000000000000000";
const PHONES: [&str; 2] = ["+4511111111", "+4522222222"];

fn twilio() -> Service {
    Service::start(|_| wire::json(201, &json!({ "sid": "SM1", "status": "queued" })))
}

fn home_of(world: &World, service: &Service, call: bool) -> Home {
    let sink = json!({ "account_sid": "${env:ACCOUNT}", "auth_token": "${env:PAGER_KEY}", "from": "+4570000000",
        "to": PHONES, "call": call, "url": service.url() });
    world.home(&json!({ "twilio": sink })).env("ACCOUNT", ACCOUNT)
}

/// The way, the number's first digits, and the first word that is shown or read out.
fn ring(seen: &Seen) -> String {
    let way =
        seen.target.strip_prefix(&format!("/2010-04-01/Accounts/{ACCOUNT}/")).expect("the account's own");
    let words = field(seen, "Body") + field(seen, "Twiml").trim_start_matches("<Response><Say loop=\"2\">");
    format!("{way} {} {}", &field(seen, "To")[..4], words.split(':').next().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_number_has_a_message_for_each_change_and_one_that_is_none_ends_in_words_elsewhere() {
    let (world, service) = (World::start().await, twilio());
    let home = home_of(&world, &service, false);
    service.limits_once(2);
    let daemon = home.start().await;
    let both = |word: &str| ["+451", "+452"].map(|number| format!("Messages.json {number} {word}"));
    let mut story: Vec<String> = Vec::new();
    for (share, word) in [(60, "WARNING"), (100, "CRITICAL"), (0, "RECOVERED")] {
        world.fails(share);
        story.extend(both(word));
        service.until(&story.iter().map(String::as_str).collect::<Vec<_>>(), ring).await;
    }
    service.assert_believed(2);
    let first = &service.asked()[0].seen;
    assert_eq!(first.header("authorization"), basic());
    assert!(field(first, "Body").contains("checkout <!channel>"), "{}", field(first, "Body"));
    service.refuses(400, &json!({ "code": 21211, "message": "Invalid 'To' Phone Number" }));
    world.fails(60);
    let words = "Invalid 'To' Phone Number";
    told_elsewhere(&world, "highwater-dead-letter pager", words).await;
    let tried = service.asked();
    for number in PHONES {
        let last = tried.iter().rev().take(4).any(|one| field(&one.seen, "To") == number);
        assert!(last, "{number} was not tried");
    }
    ends_without_a_word_of_the_key(&world, &home, daemon).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_critical_is_read_out_to_every_number_and_a_wrong_token_is_told_elsewhere() {
    let (world, service) = (World::start().await, twilio());
    let home = home_of(&world, &service, true);
    let daemon = home.start().await;
    world.fails(60);
    let mut story = vec!["Messages.json +451 WARNING", "Messages.json +452 WARNING"];
    service.until(&story, ring).await;
    // of four steps the first has to be repeated
    service.limits_once(2);
    world.fails(100);
    story.extend(["Messages.json +451 CRITICAL", "Messages.json +452 CRITICAL"]);
    story.extend(["Calls.json +451 CRITICAL", "Calls.json +452 CRITICAL"]);
    service.until(&story, ring).await;
    service.assert_believed(2);
    world.fails(0);
    story.extend(["Messages.json +451 RECOVERED", "Messages.json +452 RECOVERED"]);
    service.until(&story, ring).await;
    service.refuses(401, &json!({ "code": 20003, "message": "Authenticate" }));
    world.fails(100);
    told_elsewhere(&world, "highwater-sink-misconfigured pager", "Authenticate").await;
    ends_without_a_word_of_the_key(&world, &home, daemon).await;
}

fn basic() -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    format!("Basic {}", BASE64_STANDARD.encode(format!("{ACCOUNT}:{KEY}")))
}
