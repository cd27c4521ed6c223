//! CloudWatch's two sinks: deliveries in several requests, what is made when it is missing, and successes that are none.

use chrono::TimeDelta;

use super::{
    contracts::{cloudwatch_logs::events, cloudwatch_metrics::data},
    *,
};
use crate::model::{
    Ending, Entity, Kind as What, Level, Number, Unit,
    samples::{at, change, notification, resolved},
};

fn sink(kind: &str) -> Arc<dyn Sink> {
    parse(Kind::ALL.iter().find(|(name, _)| *name == kind).unwrap().1).into_sink()
}

fn http(status: u16, body: &str) -> Answer {
    Answer::Http { status, retry_after: None, body: body.to_owned() }
}

fn judged(kind: &str, delivery: &Delivery, message: &Message, answer: &Answer) -> Verdict {
    sink(kind).classify(&Asked { delivery, message, handle: None }, answer)
}

/// All requests of a delivery, each having been taken.
pub fn every_part(kind: &str, first: &Message, delivery: &Delivery) -> Vec<Message> {
    let mut parts = vec![first.clone()];
    loop {
        match judged(kind, delivery, &parts[parts.len() - 1], &http(200, "{}")) {
            Verdict::Then { message, .. } => parts.push(*message),
            Verdict::Accepted { .. } => return parts,
            other => panic!("{other:?}"),
        }
        assert!(parts.len() <= 16, "the engine follows no delivery so long");
    }
}

fn nodes(n: usize, label: &str) -> Vec<Change> {
    let node = |n| Change {
        entity: Entity::of("node", format!("{label}{n}")),
        ..change(What::Fired, Level::Warning)
    };
    (0..n).map(node).collect()
}

fn then(verdict: Verdict) -> Message {
    match verdict {
        Verdict::Then { message, .. } => *message,
        other => panic!("{other:?}"),
    }
}

fn header<'a>(message: &'a Message, name: &str) -> &'a str {
    let Message::Http(request) = message else { return "" };
    request.headers.iter().find(|(header, _)| header == name).map_or("", |(_, value)| value)
}

const NO_STREAM: &str =
    r#"{"__type":"ResourceNotFoundException","message":"The specified log stream does not exist."}"#;
const NO_GROUP: &str =
    r#"{"__type":"ResourceNotFoundException","message":"The specified log group does not exist."}"#;
const EXISTS: &str =
    r#"{"__type":"ResourceAlreadyExistsException","message":"The specified log stream already exists"}"#;

#[test]
fn a_stream_that_is_missing_is_made_once_and_the_same_events_are_sent_again() {
    let delivery = delivery(notification(nodes(3, "es-")));
    let first = sink("cloudwatch_logs").render(&delivery, None);
    let create = then(judged("cloudwatch_logs", &delivery, &first, &http(400, NO_STREAM)));
    assert_eq!(header(&create, "X-Amz-Target"), "Logs_20140328.CreateLogStream");
    assert_eq!(
        json(&create),
        serde_json::json!({ "logGroupName": "/alerts/search", "logStreamName": "highwater" })
    );
    for answer in [http(200, ""), http(400, EXISTS)] {
        let again = then(judged("cloudwatch_logs", &delivery, &create, &answer));
        assert_eq!(header(&again, "X-Amz-Target"), "Logs_20140328.PutLogEvents");
        assert_eq!(body(&again), body(&first));
        let taken = judged("cloudwatch_logs", &delivery, &again, &http(200, "{}"));
        assert_eq!(taken, Verdict::Accepted { handle: None });
        let still = judged("cloudwatch_logs", &delivery, &again, &http(400, NO_STREAM));
        assert_eq!(still.name(), "later", "it is not made again and again: {still:?}");
    }
}

#[test]
fn a_group_is_never_made() {
    let delivery = delivery(notification(nodes(1, "es-")));
    let first = sink("cloudwatch_logs").render(&delivery, None);
    let Verdict::Misconfigured { why } = judged("cloudwatch_logs", &delivery, &first, &http(400, NO_GROUP))
    else {
        panic!()
    };
    assert_eq!(
        why,
        "answered 400: ResourceNotFound: The specified log group does not exist.; make the log group `/alerts/search`, highwater makes none"
    );
    let create = then(judged("cloudwatch_logs", &delivery, &first, &http(400, NO_STREAM)));
    assert_eq!(judged("cloudwatch_logs", &delivery, &create, &http(400, NO_GROUP)).name(), "misconfigured");
}

#[test]
fn events_that_are_taken_but_not_kept_are_no_success() {
    let delivery = delivery(notification(nodes(3, "es-")));
    let message = sink("cloudwatch_logs").render(&delivery, None);
    let table = [
        (r#"{"tooOldLogEventEndIndex":2}"#, "the first 2 are older than 14 days"),
        (
            r#"{"tooNewLogEventStartIndex":1}"#,
            "all after the first 1 are more than 2 hours ahead of its clock",
        ),
        (r#"{"expiredLogEventEndIndex":3}"#, "the first 3 are older than the group keeps"),
        ("{}", "it does not say why"),
    ];
    for (info, words) in table {
        let body = format!(r#"{{"nextSequenceToken":"1","rejectedLogEventsInfo":{info}}}"#);
        let Verdict::Never { why } = judged("cloudwatch_logs", &delivery, &message, &http(200, &body)) else {
            panic!("{info}")
        };
        assert_eq!(why, format!("did not keep all events: {words}"));
    }
    let fine = r#"{"nextSequenceToken":"1","rejectedLogEventsInfo":null}"#;
    assert_eq!(judged("cloudwatch_logs", &delivery, &message, &http(200, fine)).name(), "accepted");
}

#[test]
fn events_are_told_in_the_order_of_time_and_a_day_at_most_in_one_request() {
    let mut changes = nodes(5, "es-");
    for (change, hours) in changes.iter_mut().zip([30, 0, 23, 24, 47]) {
        change.at = at(0, 0) + TimeDelta::hours(hours);
    }
    let delivery = delivery(notification(changes));
    let first = sink("cloudwatch_logs").render(&delivery, None);
    let parts = every_part("cloudwatch_logs", &first, &delivery);
    let hour = |at: i64| (at - delivery.notification.alerts[1].at.timestamp_millis()) / 3_600_000;
    let hours: Vec<Vec<i64>> =
        parts.iter().map(|part| events(part).iter().map(|(at, _)| hour(*at)).collect()).collect();
    assert_eq!(hours, [vec![0, 23], vec![24, 30, 47]]);
    assert_eq!(header(&parts[1], "X-Highwater-Part"), "2 3-5");
}

#[test]
fn an_event_says_what_happened_in_words_and_in_fields() {
    let raised = Change { note: Some("told late".to_owned()), ..change(What::Raised, Level::Critical) };
    let delivery = delivery(notification(vec![raised, resolved(Ending::Cleared)]));
    let told = events(&sink("cloudwatch_logs").render(&delivery, None));
    let event: Value = serde_json::from_str(&told[1].1).unwrap();
    assert!(
        event["message"].as_str().unwrap().starts_with("RESOLVED") || event["status"] == "resolved",
        "{event}"
    );
    assert_eq!(event["status"], "resolved");
    let event: Value = serde_json::from_str(&told[0].1).unwrap();
    assert_eq!(event["status"], "firing");
    for (name, value) in [("event_id", "v"), ("kind", "raised"), ("level", "critical"), ("note", "told late")]
    {
        assert_eq!(event[name], value);
    }
    assert_eq!((&event["entity"]["node"], &event["value"]), (&"es-1".into(), &91.24.into()));
    assert_eq!(event["facts"]["free_bytes"], 40_u64 << 30);
}

#[test]
fn more_than_can_be_told_is_counted() {
    let many = delivery(notification(nodes(2000, &"n".repeat(20_000))));
    let first = sink("cloudwatch_logs").render(&many, None);
    let parts = every_part("cloudwatch_logs", &first, &many);
    let events: Vec<String> = parts.iter().flat_map(events).map(|(_, event)| event).collect();
    let last: Value = serde_json::from_str(&events[events.len() - 1]).unwrap();
    assert_eq!(last["left_out"], 2000 - (events.len() - 1));

    let many = delivery(notification(nodes(12_100, "es-")));
    let first = sink("cloudwatch_metrics").render(&many, None);
    let parts = every_part("cloudwatch_metrics", &first, &many);
    let data: Vec<_> = parts.iter().flat_map(data).collect();
    let last = &data[data.len() - 1];
    assert_eq!(last["MetricName"], "alerts_left_out");
    let told = data.iter().filter(|fields| fields["MetricName"] == "alert_level").count();
    assert_eq!((told, last["Value"].as_str()), (11_000, "1100.0"));
}

fn metrics(changes: Vec<Change>) -> Vec<BTreeMap<String, String>> {
    data(&sink("cloudwatch_metrics").render(&delivery(notification(changes)), None))
}

#[test]
fn a_level_is_a_gauge_and_only_a_proven_recovery_is_zero() {
    let told = |change: Change| {
        let data = metrics(vec![change]);
        data.iter().map(|fields| format!("{}={}", fields["MetricName"], fields["Value"])).collect::<Vec<_>>()
    };
    assert_eq!(told(change(What::Fired, Level::Info)), ["alert_level=1.0", "value=91.24"]);
    assert_eq!(told(change(What::Lowered, Level::Warning)), ["alert_level=2.0", "value=91.24"]);
    assert_eq!(told(change(What::Reminded, Level::Critical)), ["alert_level=3.0", "value=91.24"]);
    assert_eq!(told(resolved(Ending::Cleared)), ["alert_level=0.0", "value=91.24"]);
    for ending in [Ending::Vanished, Ending::NoData, Ending::RuleRemoved] {
        assert_eq!(told(resolved(ending)), ["ended_without_proof=1.0"]);
    }
}

#[test]
fn a_reading_that_cloudwatch_cannot_hold_is_left_out() {
    for value in [1e200, -1e200, 1e-200] {
        let odd = Change { value: Number::finite(value), ..change(What::Fired, Level::Info) };
        assert_eq!(metrics(vec![odd]).len(), 1, "{value}");
    }
    let none = Change { value: None, unit: None, ..change(What::Fired, Level::Info) };
    assert_eq!(metrics(vec![none]).len(), 1);
    let zero =
        Change { value: Some(Number::Int(0)), unit: Some(Unit::Bytes), ..change(What::Fired, Level::Info) };
    let data = metrics(vec![zero]);
    assert_eq!((data[1]["Value"].as_str(), data[1]["Unit"].as_str()), ("0.0", "Bytes"));
}

fn dimensions(entity: Entity) -> Vec<(String, String)> {
    let fields = metrics(vec![Change { entity, ..change(What::Fired, Level::Info) }]).remove(0);
    let one = |n: usize| {
        let name = fields.get(&format!("Dimensions.member.{n}.Name"))?;
        Some((name.clone(), fields[&format!("Dimensions.member.{n}.Value")].clone()))
    };
    (1..).map_while(one).collect()
}

#[test]
fn dimensions_are_rule_cluster_and_labels_without_what_is_empty_or_said_already() {
    let pairs = |entity| {
        let pairs = dimensions(entity);
        pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    let fixed = ["rule=elasticsearch-storage", "cluster=main"];
    assert_eq!(pairs(Entity::of("cluster", "main")), fixed);
    assert_eq!(pairs(Entity::of("node", " ")), fixed);
    assert_eq!(pairs(Entity::of("cluster", "b"))[2..], ["entity_cluster=b"]);
    assert_eq!(pairs(Entity::of(":node", "æ 1"))[2..], ["node=%C3%A6 1"]);
    let many = Entity::new((0..40).map(|n| (format!("l{n:02}"), n.to_string())));
    assert_eq!(dimensions(many).len(), 30);
}

#[test]
fn a_test_message_moves_no_other_metric() {
    let test = Notification { test: true, ..notification(vec![change(What::Fired, Level::Info)]) };
    for message in both(&sink("cloudwatch_metrics"), &delivery(test)) {
        assert!(body(&message).contains(".Name=test&"), "{}", body(&message));
    }
}

#[test]
fn the_services_own_endpoints_are_those_of_the_region() {
    let address = |text: &str| {
        let Destination::Http(endpoint) = parse(text).into_sink().destination() else { panic!() };
        let crate::model::secret::Part::Literal(url) = &endpoint.url.parts[0] else { panic!() };
        let sign = endpoint.sign.unwrap();
        (url.clone(), sign.region, sign.service)
    };
    let of = |url: &str, region: &str, service: &str| (url.to_owned(), region.to_owned(), service.to_owned());
    assert_eq!(
        address("cloudwatch_metrics: { region: eu-west-1 }"),
        of("https://monitoring.eu-west-1.amazonaws.com", "eu-west-1", "monitoring")
    );
    assert_eq!(
        address("cloudwatch_logs: { region: cn-north-1, log_group: g, log_stream: s }"),
        of("https://logs.cn-north-1.amazonaws.com.cn", "cn-north-1", "logs")
    );
    assert_eq!(
        address("cloudwatch_metrics: { region: eu-west-1, endpoint_url: \"http://127.0.0.1:5055\" }"),
        of("http://127.0.0.1:5055", "eu-west-1", "monitoring")
    );
}

#[test]
fn names_that_cloudwatch_would_not_take_are_mistakes_of_the_settings() {
    let wrong = [
        "cloudwatch_metrics: { region: Frankfurt }",
        "cloudwatch_metrics: { region: eu-west-1, namespace: AWS/EC2 }",
        "cloudwatch_metrics: { region: eu-west-1, namespace: \" \" }",
        "cloudwatch_metrics: { region: eu-west-1, endpoint_url: 127.0.0.1 }",
        "cloudwatch_logs: { region: eu-west-1, log_group: \"\", log_stream: s }",
        "cloudwatch_logs: { region: eu-west-1, log_group: \"a b\", log_stream: s }",
        "cloudwatch_logs: { region: eu-west-1, log_group: a, log_stream: \"a:b\" }",
    ];
    for text in wrong {
        assert_eq!(parse(text).into_sink().complaints().len(), 1, "{text}");
    }
}
