//! Out of the house: over HTTP, or as a line on standard output.

use std::{
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    clock::Clock,
    http::{Http, HttpError},
    model::{
        notification::{Delivery, Handle},
        secret::Secret,
    },
    sinks::{Answer, Asked, Destination, Message, Sink, Verdict},
};

/// One delivery takes no more messages than this: a service that asks for ever is not obeyed.
pub const MOST_STEPS: usize = 20;
pub const ENDLESS: &str = "it asked for more and more messages";

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
    secrets: Secrets,
    lines: Arc<Mutex<dyn Write + Send>>,
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
        let lines = Arc::new(Mutex::new(io::stdout()));
        Ok(Self { http: Http::new(timeout, clock)?, secrets, lines, timeout })
    }

    /// The same, with lines going elsewhere than to standard output.
    #[must_use]
    pub fn with_lines_to(mut self, lines: Arc<Mutex<dyn Write + Send>>) -> Self {
        self.lines = lines;
        self
    }

    /// One attempt.
    pub async fn send(&self, to: &Destination, message: &Message) -> Answer {
        match (to, message) {
            (Destination::Http(to), Message::Http(request)) => {
                self.http.send(to, request, &*self.secrets).await
            }
            (Destination::Stdout, Message::Line(line)) => self.write(format!("{line}\n")).await,
            (Destination::Http(_) | Destination::Stdout, _) => {
                Answer::Unsent("this message was made for another kind of sink".to_owned())
            }
        }
    }

    /// Renders and sends at once, outside of every lane: what came back last, and what it means.
    pub async fn try_out(&self, sink: &dyn Sink, delivery: &Delivery, handle: Option<&Handle>) -> Tried {
        let mut message = sink.render(delivery, handle);
        let mut given = handle.cloned();
        for _ in 0..MOST_STEPS {
            let answer = self.send(&sink.destination(), &message).await;
            let verdict =
                sink.classify(&Asked { delivery, message: &message, handle: given.as_ref() }, &answer);
            match verdict {
                Verdict::Then { handle, message: next } => (given, message) = (handle.or(given), *next),
                Verdict::Accepted { handle } => {
                    let verdict = Verdict::Accepted { handle: handle.or(given) };
                    return Tried { answer, verdict };
                }
                verdict => return Tried { answer, verdict },
            }
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

    /// In one piece, so that lines of different lanes never mix. A reader that does not read costs no more than the timeout.
    async fn write(&self, line: String) -> Answer {
        let lines = self.lines.clone();
        let writing = tokio::task::spawn_blocking(move || {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.write_all(line.as_bytes())?;
            lines.flush()
        });
        match tokio::time::timeout(self.timeout, writing).await {
            Ok(Ok(Ok(()))) => Answer::Written,
            Ok(Ok(Err(error))) => Answer::Lost(error.kind().to_string()),
            Ok(Err(_)) | Err(_) => Answer::Lost("nobody reads standard output".to_owned()),
        }
    }
}

/// Whether a stored message can go there: a sink's kind may have changed since it was rendered.
pub fn fits(message: &Message, to: &Destination) -> bool {
    matches!(
        (message, to),
        (Message::Http(_), Destination::Http(_)) | (Message::Line(_), Destination::Stdout)
    )
}
