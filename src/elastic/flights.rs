//! Identical questions of one instant are asked once.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::Answer;
use crate::model::{Cause, Reason, Time};

/// How long a good answer is kept for those who ask the same of the same tick a moment later.
const KEEP: Duration = Duration::from_secs(1);

type Landing = watch::Receiver<Option<Arc<Answer>>>;

/// A question at an instant. The text holds everything that makes the answer what it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub tick: Time,
    pub text: String,
}

/// Questions under way, and answers that have just come.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights {
    landings: Arc<Mutex<HashMap<Key, Landing>>>,
}

/// One asker's share of a question.
pub(super) struct Flight(Landing);

impl Flights {
    /// Joins the question that is under way, or sends `ask` off. It goes on when the asker goes away.
    pub fn join<F>(&self, key: Key, ask: impl FnOnce() -> F) -> Flight
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let mut landings = self.landings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(landing) = landings.get(&key) {
            return Flight(landing.clone());
        }
        let (land, landing) = watch::channel(None);
        landings.insert(key.clone(), landing.clone());
        let entry = Entry { flights: self.clone(), key };
        let asked = ask();
        tokio::spawn(async move {
            let answer = asked.await;
            let good = answer.is_ok();
            land.send_replace(Some(Arc::new(answer)));
            if good {
                tokio::time::sleep(KEEP).await;
            }
            drop(entry);
        });
        Flight(landing)
    }

    /// Sends `ask` off for one asker alone: an answer that is large is not kept for others.
    pub fn alone<F>(ask: F) -> Flight
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let (land, landing) = watch::channel(None);
        tokio::spawn(async move { land.send_replace(Some(Arc::new(ask.await))) });
        Flight(landing)
    }
}

impl Flight {
    pub async fn landed(mut self) -> Answer {
        match self.0.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(answer)) => answer.as_ref().clone(),
            _ => Err(Reason::new(Cause::Fault, "asking failed on our side; the log says more")),
        }
    }
}

/// The place of a question in the map; it is given up even when asking panics.
struct Entry {
    flights: Flights,
    key: Key,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.flights.landings.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::model::query::Response;

    fn key(text: &str) -> Key {
        Key { tick: Time::default(), text: text.to_owned() }
    }

    fn body() -> Answer {
        Ok(Response::Body(serde_json::json!(1)))
    }

    #[tokio::test]
    async fn the_same_question_is_asked_once_and_another_for_itself() {
        let flights = Flights::default();
        let asked = Arc::new(AtomicUsize::new(0));
        let ask = |text: &str| {
            let asked = asked.clone();
            flights.join(key(text), || async move {
                asked.fetch_add(1, Ordering::SeqCst);
                body()
            })
        };
        let all = [ask("a"), ask("a"), ask("b")];
        for flight in all {
            assert_eq!(flight.landed().await, body());
        }
        ask("a").landed().await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_failure_is_not_kept_and_a_panic_is_an_answer() {
        let flights = Flights::default();
        let failed = flights.join(key("a"), || async { Err(Reason::new(Cause::Timeout, "x")) });
        assert!(failed.landed().await.is_err());
        let panicked = flights.join(key("b"), || async { panic!("planted") });
        assert_eq!(panicked.landed().await.unwrap_err().cause, Cause::Fault);
        while !flights.landings.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    }
}
