//! A sink that says what would be sent, and to whom.

use std::sync::Arc;

use crate::{
    model::notification::{Delivery, Handle},
    sinks::{Answer, Asked, Belated, Destination, Message, Sink, Verdict},
};

#[derive(Debug)]
struct DryRun;

/// Stands in the place of every sink.
pub fn sink() -> Arc<dyn Sink> {
    Arc::new(DryRun)
}

impl Sink for DryRun {
    fn destination(&self) -> Destination {
        Destination::Stdout
    }

    fn render(&self, delivery: &Delivery, _: Option<&Handle>) -> Message {
        let text = delivery.notification.text.replace('\n', "\n    ");
        Message::Line(format!("would send to {}:\n    {text}", delivery.sink))
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        self.render(delivery, None)
    }

    fn belated(&self) -> Belated {
        Belated::Each
    }

    fn classify(&self, _: &Asked<'_>, answer: &Answer) -> Verdict {
        match answer {
            Answer::Written => Verdict::Accepted { handle: None },
            _ => Verdict::Later { after: None, why: "standard output takes no lines".to_owned() },
        }
    }
}
