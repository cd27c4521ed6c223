mod event;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use self::event::Event;
use super::{
    Answer, Asked, Belated, Destination, Events, Message, Method, Request, Sink, Verdict,
    amazon::{self, fault::Fault, part::Part},
    answered,
};
use crate::model::{
    notification::{Delivery, Handle},
    secret::Secret,
};

/// Amazon CloudWatch Logs: one event per change of an alert, a JSON object with `message` and `event_id`.
///
/// Signed with the credentials that Amazon's own tools would find: environment, profile, web identity, container, machine.
/// Needed are `logs:PutLogEvents` and, for a stream that does not exist yet, `logs:CreateLogStream`.
/// Events that CloudWatch takes but does not keep, being too old or too new, are no success.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudwatchLogs {
    /// `eu-west-1`.
    pub region: String,
    /// Has to exist: highwater makes streams, but no groups.
    pub log_group: String,
    /// Made when it is missing.
    pub log_stream: String,
    /// `http://` or `https://`. Left out: Amazon's own for the region.
    pub endpoint_url: Option<Secret>,
}

const PUT: &str = "Logs_20140328.PutLogEvents";
const CREATE: &str = "Logs_20140328.CreateLogStream";

impl CloudwatchLogs {
    pub const EXAMPLE: &str =
        "cloudwatch_logs: { region: eu-west-1, log_group: /alerts/search, log_stream: highwater }";

    /// The events from `part.from` on, if any are left.
    fn put(&self, delivery: &Delivery, part: Part) -> Option<Message> {
        let (events, part) = event::batch(delivery, part)?;
        let event =
            |event: &Event| json!({ "timestamp": event.at.timestamp_millis(), "message": event.json });
        let events: Vec<Value> = events.iter().map(event).collect();
        let body =
            json!({ "logGroupName": self.log_group, "logStreamName": self.log_stream, "logEvents": events });
        Some(call(PUT, &body, part))
    }

    /// There is no delivery without an alert; it would have nothing to say.
    fn first(&self, delivery: &Delivery, part: Part) -> Message {
        self.put(delivery, part).unwrap_or_else(|| self.create_stream(part))
    }

    fn create_stream(&self, part: Part) -> Message {
        let body = json!({ "logGroupName": self.log_group, "logStreamName": self.log_stream });
        call(CREATE, &body, part)
    }

    fn follow(&self, delivery: &Delivery, part: Part) -> Verdict {
        match self.put(delivery, part) {
            Some(message) => Verdict::Then { handle: None, message: Box::new(message) },
            None => Verdict::Accepted { handle: None },
        }
    }

    fn missing(&self, part: Part, fault: Fault) -> Verdict {
        match (fault.says.contains("log stream"), part.again) {
            (true, false) => {
                let message = Box::new(self.create_stream(Part { again: true, ..part }));
                Verdict::Then { handle: None, message }
            }
            (true, true) => {
                let why = format!("{}, although it was made a moment ago", fault.says);
                Verdict::Later { after: None, why }
            }
            (false, _) => {
                let (why, group) = (fault.says, &self.log_group);
                Verdict::Misconfigured {
                    why: format!("{why}; make the log group `{group}`, highwater makes none"),
                }
            }
        }
    }
}

fn call(target: &str, body: &Value, part: Part) -> Message {
    let headers = vec![
        ("Content-Type".to_owned(), "application/x-amz-json-1.1".to_owned()),
        ("X-Amz-Target".to_owned(), target.to_owned()),
        part.header(),
    ];
    Message::Http(Request { method: Method::Post, path: String::new(), headers, body: body.to_string() })
}

fn is_creating(message: &Message) -> bool {
    matches!(message, Message::Http(request) if request.headers.iter().any(|(_, value)| value == CREATE))
}

impl Sink for CloudwatchLogs {
    fn destination(&self) -> Destination {
        amazon::destination("logs", &self.region, self.endpoint_url.as_ref())
    }

    fn render(&self, delivery: &Delivery, _: Option<&Handle>) -> Message {
        self.first(delivery, Part::default())
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        self.first(delivery, Part { plain: true, ..Part::default() })
    }

    fn events(&self) -> Events {
        Events::Together
    }

    fn belated(&self) -> Belated {
        Belated::Each
    }

    fn classify(&self, asked: &Asked<'_>, answer: &Answer) -> Verdict {
        let (status, after, body) = match answered(answer) {
            Ok(answer) => answer,
            Err(verdict) => return verdict,
        };
        let (part, creating) = (Part::of(asked.message), is_creating(asked.message));
        if (200..300).contains(&status) {
            return match rejected(body) {
                _ if creating => self.follow(asked.delivery, part),
                Some(why) => Verdict::Never { why },
                None => self.follow(asked.delivery, part.next()),
            };
        }
        let fault = Fault::of(status, after, body);
        match fault.code.as_str() {
            "ResourceAlreadyExists" if creating => self.follow(asked.delivery, part),
            "DataAlreadyAccepted" => self.follow(asked.delivery, part.next()),
            "ResourceNotFound" => self.missing(part, fault),
            _ => fault.verdict(),
        }
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = amazon::complaints(&self.region, self.endpoint_url.as_ref());
        let group = |c: char| c.is_ascii_alphanumeric() || "-_/.#".contains(c);
        let stream = |c: char| !c.is_control() && c != ':' && c != '*';
        if !is_name(&self.log_group, group) {
            complaints
                .push("`log_group` has letters, digits, `-`, `_`, `/`, `.` and `#`, at most 512".to_owned());
        }
        if !is_name(&self.log_stream, stream) {
            complaints.push("`log_stream` has at most 512 characters, but no `:` or `*`".to_owned());
        }
        complaints
    }
}

fn is_name(text: &str, fine: impl Fn(char) -> bool) -> bool {
    (1..=512).contains(&text.chars().count()) && text.chars().all(fine)
}

/// A success that kept not everything.
fn rejected(body: &str) -> Option<String> {
    let said: Value = serde_json::from_str(body).ok()?;
    let info = said.get("rejectedLogEventsInfo")?.as_object()?;
    let number = |name: &str| info.get(name).and_then(Value::as_u64);
    let mut words = Vec::new();
    if let Some(end) = number("tooOldLogEventEndIndex") {
        words.push(format!("the first {end} are older than 14 days"));
    }
    if let Some(end) = number("expiredLogEventEndIndex") {
        words.push(format!("the first {end} are older than the group keeps"));
    }
    if let Some(start) = number("tooNewLogEventStartIndex") {
        words.push(format!("all after the first {start} are more than 2 hours ahead of its clock"));
    }
    let words = if words.is_empty() { "it does not say why".to_owned() } else { words.join(", ") };
    Some(format!("did not keep all events: {words}"))
}
