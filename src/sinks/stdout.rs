use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Asked, Belated, Destination, Events, Message, Sink, Verdict, webhook, written};
use crate::model::notification::{Delivery, Handle};

/// JSON lines on standard output: one line per notification, the body of the `webhook` sink.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stdout {}

impl Stdout {
    pub const EXAMPLE: &str = "stdout: {}";
}

impl Sink for Stdout {
    fn destination(&self) -> Destination {
        Destination::Stdout
    }

    fn render(&self, delivery: &Delivery, _: Option<&Handle>) -> Message {
        Message::Line(webhook::lines(&delivery.notification))
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        Message::Line(webhook::lines(&webhook::plain(&delivery.notification)))
    }

    fn events(&self) -> Events {
        Events::Together
    }

    fn belated(&self) -> Belated {
        Belated::Each
    }

    fn classify(&self, _: &Asked<'_>, answer: &Answer) -> Verdict {
        written(answer)
    }
}
