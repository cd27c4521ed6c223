//! Identical questions of one instant are asked once.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::Answer;
use crate::model::{Cause, Reason, Time};

/// How long a good answer is kept for those who ask the same of the same tick a moment later.
const KEEP: Duration = Duration::from_secs(1);

type Landing = watch::Receiver<Option<Arc<Answer>>>;

/// A question at an instant. The text holds everything that makes the answer what it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub tick: Time,
    pub text: Arc<str>,
}

/// Questions under way, and answers that have just come.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights {
    board: Arc<Mutex<Board>>,
}

#[derive(Debug, Default)]
struct Board {
    landings: HashMap<Key, Landing>,
    /// Good answers and until when they are kept, oldest first. Somebody clears it away as long as there are any.
    kept: VecDeque<(Instant, Key)>,
}

/// One asker's share of a question.
pub(super) struct Flight(Landing);

impl Flights {
    /// Joins the question that is under way, or sends `ask` off. It goes on when the asker goes away.
    pub fn join<F>(&self, key: Key, ask: impl FnOnce() -> F) -> Flight
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let mut board = self.board();
        if let Some(landing) = board.landings.get(&key) {
            return Flight(landing.clone());
        }
        let (land, landing) = watch::channel(None);
        board.landings.insert(key.clone(), landing.clone());
        let entry = Entry { flights: self.clone(), key, is_good: false };
        let asked = ask();
        tokio::spawn(async move {
            let mut entry = entry;
            let answer = asked.await;
            entry.is_good = answer.is_ok();
            land.send_replace(Some(Arc::new(answer)));
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

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a good answer for a moment. One timer serves all of them.
    fn keep(&self, key: Key) {
        let mut board = self.board();
        board.kept.push_back((Instant::now() + KEEP, key));
        if board.kept.len() > 1 {
            return;
        }
        let flights = self.clone();
        tokio::spawn(async move {
            while let Some(next) = flights.clear_away() {
                sleep_until(next).await;
            }
        });
    }

    /// Drops what was kept long enough; the answer is when there is more to drop.
    fn clear_away(&self) -> Option<Instant> {
        let mut board = self.board();
        while board.kept.front().is_some_and(|(until, _)| *until <= Instant::now()) {
            if let Some((_, key)) = board.kept.pop_front() {
                board.landings.remove(&key);
            }
        }
        board.kept.front().map(|_| Instant::now() + KEEP)
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

/// The place of a question on the board; it is given up at once when asking fails, or panics.
struct Entry {
    flights: Flights,
    key: Key,
    is_good: bool,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.is_good {
            self.flights.keep(self.key.clone());
        } else {
            self.flights.board().landings.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::model::query::Response;

    fn key(text: &str) -> Key {
        Key { tick: Time::default(), text: text.into() }
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
    async fn good_answers_are_kept_for_a_moment_and_not_for_ever() {
        let flights = Flights::default();
        for text in ["a", "b"] {
            flights.join(key(text), || async { body() }).landed().await.unwrap();
        }
        assert_eq!(flights.board().landings.len(), 2);
        let gone = async {
            while !flights.board().landings.is_empty() {
                tokio::time::sleep(KEEP / 10).await;
            }
        };
        tokio::time::timeout(KEEP * 60, gone).await.unwrap();
        assert!(flights.board().kept.is_empty());
    }

    #[tokio::test]
    async fn a_failure_is_not_kept_and_a_panic_is_an_answer() {
        let flights = Flights::default();
        let failed = flights.join(key("a"), || async { Err(Reason::new(Cause::Timeout, "x")) });
        assert!(failed.landed().await.is_err());
        let panicked = flights.join(key("b"), || async { panic!("planted") });
        assert_eq!(panicked.landed().await.unwrap_err().cause, Cause::Fault);
        while !flights.board().landings.is_empty() {
            tokio::task::yield_now().await;
        }
    }
}
