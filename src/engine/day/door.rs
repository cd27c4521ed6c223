//! The double of all doors: it answers whatever the checks ask, as the real systems would in this world.

use super::{
    search,
    truth::{Milli, Place, Truth, Weather, milli},
};
use crate::{
    checks::Look,
    model::{
        Cause, Reason,
        query::{Call, Query, Question, Response, Search},
    },
};

impl Truth {
    /// One answer per question.
    pub fn answers(&self, look: &Look, queries: &[Query]) -> Vec<Result<Response, Reason>> {
        let now = milli(look.asked);
        queries.iter().map(|query| self.answer(&query.question, now)).collect()
    }

    fn answer(&self, question: &Question, now: Milli) -> Result<Response, Reason> {
        let place = match question {
            Question::Call(_) => Place::Cluster,
            Question::Search(_) | Question::Page(_) => Place::Documents,
            other => panic!("{other:?}"),
        };
        match self.weather(place, now) {
            Weather::Away => return Err(Reason::new(Cause::Unreachable, "connection refused")),
            Weather::Partial => return Err(Reason::new(Cause::Partial, "2 of 7 shards failed")),
            Weather::Fine => {}
        }
        match question {
            Question::Call(call) => self.call(call, now),
            Question::Search(search) => Ok(Response::Search(self.search(search, now))),
            other => panic!("{other:?}"),
        }
    }

    fn call(&self, call: &Call, now: Milli) -> Result<Response, Reason> {
        match call.path.as_str() {
            "/_cluster/health" => Ok(Response::Body(self.cluster.health(now))),
            // a role that may not ask
            "/_cluster/allocation/explain" | "/_cluster/state/routing_table" => {
                Err(Reason::new(Cause::Refused, "not allowed").with_status(403))
            }
            other => panic!("nobody here answers `{other}`"),
        }
    }

    fn search(&self, search: &Search, now: Milli) -> crate::model::query::SearchAnswer {
        let (from, to) = search::window(search);
        let documents = self.documents(&search.index, from, to);
        search::answer(search, documents.iter().filter(|doc| doc.shown <= now))
    }
}
