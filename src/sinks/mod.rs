//! Whom to tell: one file per kind of sink. Pure: a delivery in, a message out; an answer in, a verdict out.

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::disallowed_types))]

mod alertmanager;
mod amazon;
mod cloudwatch_logs;
mod cloudwatch_metrics;
mod elasticsearch;
mod email;
mod file;
mod opsgenie;
mod page;
mod pagerduty;
mod pushover;
mod slack;
mod statsd;
mod stdout;
mod teams;
mod twilio;
mod webhook;
mod wire;

#[cfg(test)]
mod tests;

use std::{fmt::Debug, time::Duration};

use crate::{
    kinds::kinds,
    model::{
        notification::{Delivery, Handle, Notification},
        secret::Secret,
    },
};

use self::wire::{answered, complaint_about_url, percent_decoded, written};
pub use self::{
    alertmanager::Alertmanager,
    cloudwatch_logs::CloudwatchLogs,
    cloudwatch_metrics::CloudwatchMetrics,
    elasticsearch::{Elasticsearch, history},
    email::{Email, MailServer, MailTls},
    file::{File, Journal},
    opsgenie::Opsgenie,
    pagerduty::Pagerduty,
    pushover::Pushover,
    slack::Slack,
    statsd::Statsd,
    stdout::Stdout,
    teams::Teams,
    twilio::Twilio,
    webhook::Webhook,
    wire::{
        Answer, Asked, ClientTls, Destination, Endpoint, Letter, MailReply, MailStep, Mailbox, Message,
        Method, Request, Signature, Verdict, in_words, percent_encoded,
    },
};

kinds! {
    /// Where notifications go: exactly one kind.
    pub enum Kind as dyn Sink by into_sink {
        "alertmanager" => Alertmanager,
        "cloudwatch_logs" => CloudwatchLogs,
        "cloudwatch_metrics" => CloudwatchMetrics,
        "elasticsearch" => Elasticsearch,
        "email" => Email,
        "file" => File,
        "opsgenie" => Opsgenie,
        "pagerduty" => Pagerduty,
        "pushover" => Pushover,
        "slack" => Slack,
        "statsd" => Statsd,
        "stdout" => Stdout,
        "teams" => Teams,
        "twilio" => Twilio,
        "webhook" => Webhook,
    }
}

/// One way of telling. The config struct *is* the sink; its doc comments are its reference entry.
pub trait Sink: Debug + Send + Sync {
    /// Where attempts go. Secrets stay references; they are looked up for each attempt and stored nowhere.
    fn destination(&self) -> Destination;

    /// The message, without URL or secrets: rendered just before an attempt, stored, and sent as it is by every other attempt
    /// that may follow one that arrived.
    fn render(&self, delivery: &Delivery, handle: Option<&Handle>) -> Message;

    /// A plain and small message in place of one that the service would not take: the last attempt before it is a dead letter.
    fn render_plain(&self, delivery: &Delivery) -> Message;

    /// The plain message in place of `refused`, which may have been one of several.
    fn render_instead(&self, delivery: &Delivery, _refused: &Message) -> Message {
        self.render_plain(delivery)
    }

    /// The message for the attempt after one of which nobody knows whether it was taken: marked as a possible repeat, where the
    /// service would take it twice. `answer` is what came back from that attempt; `None`: highwater ended meanwhile.
    fn repeat(&self, _: &Message, _answer: Option<&Answer>) -> Option<Message> {
        None
    }

    /// Whether an answer proves that the message did not arrive: it may then be made anew, with what waits behind it.
    fn is_refusal(&self, answer: &Answer) -> bool {
        answer.is_refusal()
    }

    /// What the service's answer to one message means.
    fn classify(&self, asked: &Asked<'_>, answer: &Answer) -> Verdict;

    /// Which of the service's methods is asked next: each has limits of its own. `message`: what was begun; without one it is
    /// rendered, for `handle`.
    fn method(&self, _handle: Option<&Handle>, _message: Option<&Message>) -> &'static str {
        ""
    }

    /// The shortest time between two requests to a method of this sink.
    fn pace(&self) -> Duration {
        Duration::ZERO
    }

    /// How the changes of one evaluation are cut into messages.
    fn portions(&self) -> Portions {
        Portions::Together
    }

    /// How events, which are no alerts, are cut into messages.
    fn events(&self) -> Events {
        Events::Each { most: 10 }
    }

    /// So often a firing alert is shown anew, without news: an edited message, a sign that it still fires.
    fn refresh(&self) -> Option<Duration> {
        None
    }

    /// What waited while the sink took nothing.
    fn belated(&self) -> Belated {
        Belated::Merged
    }

    /// What is wrong with a template of its own for this notification; its built-in words are sent then.
    fn fault(&self, _: &Notification) -> Option<String> {
        None
    }

    /// Whether it has a template of its own.
    fn has_template(&self) -> bool {
        false
    }

    /// It counts what every other sink was told, and nobody has to name it.
    fn counts(&self) -> bool {
        false
    }

    /// Whether it takes readings as metrics (`publish`).
    fn keeps_numbers(&self) -> bool {
        false
    }

    /// What is left of a cluster's name in the names of its series.
    fn series(&self, cluster: &str) -> String {
        cluster.to_owned()
    }

    /// What must not stand in a file as plain text, by its key.
    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        Vec::new()
    }

    /// What is wrong with this configuration beyond its form.
    fn complaints(&self) -> Vec<String> {
        Vec::new()
    }
}

/// How the changes of one evaluation are cut into messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portions {
    /// One message for all of them.
    Together,
    /// One message per alert, as long as no more than `most` change at once; of more, the worst `single` have their own, and the
    /// others share one digest, which lives as long as one of them fires.
    Each { most: usize, single: usize },
}

/// How the events that one look brought are cut into messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    /// Many at once: the sink tells each of them by itself.
    Together,
    /// One message per event; where there are more than `most`, one digest of all.
    Each { most: usize },
}

/// What becomes of deliveries that wait for one another while a sink takes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belated {
    /// For people, and for services that only need the newest: one message says what has happened meanwhile.
    Merged,
    /// For services that keep a state or a count: each is delivered, in order.
    Each,
}
