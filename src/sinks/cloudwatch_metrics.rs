mod datum;
mod form;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Answer, Asked, Belated, Destination, Events, Message, Method, Request, Sink, Verdict,
    amazon::{self, fault::Fault, part::Part},
    answered,
};
use crate::model::{
    notification::{Delivery, Handle},
    secret::Secret,
};

/// Amazon CloudWatch metrics: `alert_level` (0 where nothing fires, 1 info, 2 warning, 3 critical) and the reading's `value`.
///
/// Dimensions are `rule`, `cluster` and the entity's labels, thirty at most. Each change of an alert is one data point of each
/// metric. Where a rule's `publish` names it, each reading of each look is one, whatever its level. An alert that ends without a proof has no level; it counts as `ended_without_proof`.
/// Signed with the credentials that Amazon's own tools would find: environment, profile, web identity, container, machine.
/// Needed is `cloudwatch:PutMetricData`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudwatchMetrics {
    /// `eu-west-1`.
    pub region: String,
    /// What the metrics are found under.
    #[serde(default = "namespace")]
    pub namespace: String,
    /// `http://` or `https://`. Left out: Amazon's own for the region.
    pub endpoint_url: Option<Secret>,
}

fn namespace() -> String {
    "highwater".to_owned()
}

impl CloudwatchMetrics {
    pub const EXAMPLE: &str = "cloudwatch_metrics: { region: eu-west-1, namespace: highwater }";

    /// The alerts from `part.from` on, if any are left.
    fn put(&self, delivery: &Delivery, part: Part) -> Option<Message> {
        let (head, notification) = (form::head(&self.namespace), &delivery.notification);
        let (fields, part) = match part.plain {
            true => form::plain(notification, part)?,
            false => form::fields_of(notification, part, head.len())?,
        };
        Some(message(&format!("{head}{fields}"), part))
    }

    /// There is no delivery without an alert; it would have nothing to say.
    fn first(&self, delivery: &Delivery, part: Part) -> Message {
        self.put(delivery, part).unwrap_or_else(|| message(&form::head(&self.namespace), part))
    }
}

fn message(body: &str, part: Part) -> Message {
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let headers = vec![("Content-Type".to_owned(), form.to_owned()), part.header()];
    Message::Http(Request { method: Method::Post, path: String::new(), headers, body: body.to_owned() })
}

impl Sink for CloudwatchMetrics {
    fn destination(&self) -> Destination {
        amazon::destination("monitoring", &self.region, self.endpoint_url.as_ref())
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

    fn keeps_numbers(&self) -> bool {
        true
    }

    fn classify(&self, asked: &Asked<'_>, answer: &Answer) -> Verdict {
        let (status, after, body) = match answered(answer) {
            Ok(answer) => answer,
            Err(verdict) => return verdict,
        };
        if !(200..300).contains(&status) {
            return Fault::of(status, after, body).verdict();
        }
        match self.put(asked.delivery, Part::of(asked.message).next()) {
            Some(message) => Verdict::Then { handle: None, message: Box::new(message) },
            None => Verdict::Accepted { handle: None },
        }
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = amazon::complaints(&self.region, self.endpoint_url.as_ref());
        let name = &self.namespace;
        let fine = |c: char| c.is_ascii_alphanumeric() || ".-_/#: ".contains(c);
        if name.trim().is_empty() || name.len() > 255 || !name.chars().all(fine) || name.starts_with(':') {
            complaints.push(
                "`namespace` has letters, digits, `.`, `-`, `_`, `/`, `#`, `:` and spaces, at most 255"
                    .to_owned(),
            );
        }
        if name.starts_with("AWS/") {
            complaints.push("`namespace` must not start with `AWS/`, which is Amazon's own".to_owned());
        }
        complaints
    }
}
