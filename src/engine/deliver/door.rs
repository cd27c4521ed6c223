//! Out of the house: over HTTP, as a line, or as datagrams.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use futures::future::join_all;

use super::history;
use crate::{
    clock::Clock,
    elastic::Elastic,
    http::{Http, HttpError, Shown},
    lines::{Lines, Output},
    mail::Mail,
    model::{
        notification::{Delivery, Handle},
        secret::Secret,
    },
    sinks::{Answer, Asked, Destination, Message, Sink, Verdict},
};

/// One delivery takes no more messages than this: a service that asks for ever is not obeyed.
pub const MOST_STEPS: usize = 20;
pub const ENDLESS: &str = "it asked for more and more messages";
/// What is said of a service that took a message into its queue, and was asked in vain what came of it.
const UNSAID: &str = "took it, and has not said yet what came of it";

/// What a delivery outside of every lane came to.
#[derive(Debug)]
pub struct Tried {
    pub answer: Answer,
    pub verdict: Verdict,
}

/// Looks a secret up, at each attempt.
pub type Secrets = Arc<dyn Fn(&Secret) -> Result<String, String> + Send + Sync>;

/// The ways out, and the secrets that open them.
#[derive(Clone)]
pub struct Door {
    http: Http,
    mail: Mail,
    secrets: Secrets,
    lines: Lines,
    clusters: Arc<BTreeMap<String, Elastic>>,
    timeout: Duration,
}

impl fmt::Debug for Door {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Door").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Door {
    /// `timeout` is the most that one attempt may take.
    pub fn new(timeout: Duration, clock: Clock, secrets: Secrets) -> Result<Self, HttpError> {
        let (http, lines, mail) = (Http::new(timeout, clock)?, Lines::new(timeout), Mail::new(timeout));
        Ok(Self { http, mail, secrets, lines, clusters: Arc::default(), timeout })
    }

    /// The same, with lines going elsewhere than to standard output.
    #[must_use]
    pub fn with_lines_to(mut self, output: Output) -> Self {
        self.lines = Lines::to(output, self.timeout);
        self
    }

    /// The same, with certificates noted elsewhere.
    #[must_use]
    pub fn with_certificates(mut self, shown: Shown) -> Self {
        self.http = self.http.noting(shown);
        self
    }

    /// The same, with the doors of the watched clusters.
    #[must_use]
    pub fn with_clusters(mut self, clusters: BTreeMap<String, Elastic>) -> Self {
        self.clusters = Arc::new(clusters);
        self
    }

    /// One attempt.
    pub async fn send(&self, to: &Destination, message: &Message) -> Answer {
        match (to, message) {
            (Destination::Http(to), Message::Http(request)) => {
                self.http.send(to, request, &*self.secrets).await
            }
            (Destination::Cluster(all), Message::Http(request)) => {
                let sent = all.iter().map(|to| self.http.send(to, request, &*self.secrets));
                best(join_all(sent).await)
            }
            (Destination::Mail(to), Message::Mail(letter)) => {
                self.mail.send(to, letter, &*self.secrets).await
            }
            (Destination::Stdout, Message::Line(line)) => self.lines.print(line).await,
            (Destination::File(journal), Message::Line(line)) => self.lines.append(journal, line).await,
            (Destination::History { name, index }, Message::Http(request)) => {
                let sending = history::send(&self.clusters, (name, index), request);
                let late = |_| Answer::Lost("no answer in time".to_owned());
                tokio::time::timeout(self.timeout, sending).await.unwrap_or_else(late)
            }
            (Destination::Udp(address), Message::Datagrams(datagrams)) => {
                self.lines.send(address, datagrams).await
            }
            _ => Answer::Unsent("this message was made for another kind of sink".to_owned()),
        }
    }

    /// Renders and sends at once, outside of every lane: what came back last, and what it means.
    pub async fn try_out(&self, sink: &dyn Sink, delivery: &Delivery, handle: Option<&Handle>) -> Tried {
        let mut message = sink.render(delivery, handle);
        let mut given = handle.cloned();
        let mut waits = false;
        for _ in 0..MOST_STEPS {
            let answer = self.send(&sink.destination(), &message).await;
            let verdict =
                sink.classify(&Asked { delivery, message: &message, handle: given.as_ref() }, &answer);
            match verdict {
                Verdict::Then { handle, message: next } => (given, message) = (handle.or(given), *next),
                Verdict::Wait { message: next, after } => {
                    tokio::time::sleep(after).await;
                    (message, waits) = (*next, true);
                }
                Verdict::Accepted { handle } => {
                    let verdict = Verdict::Accepted { handle: handle.or(given) };
                    return Tried { answer, verdict };
                }
                verdict => return Tried { answer, verdict },
            }
        }
        if waits {
            let verdict = Verdict::Later { after: None, why: UNSAID.to_owned() };
            return Tried { answer: Answer::Lost(UNSAID.to_owned()), verdict };
        }
        Tried {
            answer: Answer::Lost(ENDLESS.to_owned()),
            verdict: Verdict::Never { why: ENDLESS.to_owned() },
        }
    }

    /// A sign of life; the error says what came back.
    pub async fn ping(&self, url: &Secret) -> Result<(), String> {
        self.http.ping(url, &*self.secrets).await
    }
}

/// What a cluster answers: that one of its servers took the message; else what one said of it; else why none answered.
fn best(answers: Vec<Answer>) -> Answer {
    let rank = |answer: &Answer| match answer {
        Answer::Http { status: 200..=299, .. } => 0,
        Answer::Http { status: ..500, .. } => 1,
        Answer::Http { .. } => 2,
        Answer::Lost(_) | Answer::Unreached(_) => 3,
        Answer::Unsent(_) | Answer::Written | Answer::Mail(_) => 4,
    };
    let nobody = || Answer::Unsent("the cluster has no server".to_owned());
    answers.into_iter().min_by_key(rank).unwrap_or_else(nobody)
}

/// Whether a stored message can go there: a sink's kind may have changed since it was rendered.
pub fn fits(message: &Message, to: &Destination) -> bool {
    matches!(
        (message, to),
        (Message::Http(_), Destination::Http(_) | Destination::Cluster(_) | Destination::History { .. })
            | (Message::Mail(_), Destination::Mail(_))
            | (Message::Line(_), Destination::Stdout | Destination::File(_))
            | (Message::Datagrams(_), Destination::Udp(_))
    )
}
