//! The double of all doors: it answers whatever the checks ask, as the real systems would in this world.

use serde_json::Value;

use super::{
    search,
    truth::{Doc, Milli, Place, Truth, Weather, milli, time},
    verbatim,
};
use crate::{
    checks::Look,
    model::{
        Cause, Reason,
        kubernetes::{Objects, Resource},
        query::{
            Call, Document, During, Mark, Order, Page, PageAnswer, Query, Question, Response, Search,
            SearchAnswer,
        },
        secret::{Part, Secret},
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
            Question::Search(_) | Question::Page(_) | Question::Dsl(_) | Question::Esql(_) => {
                Place::Documents
            }
            Question::Kubernetes(_) => Place::Kubernetes,
            Question::Fetch(_) | Question::Heartbeat(_) => Place::Nowhere,
        };
        match self.weather(place, now) {
            Weather::Away => return Err(Reason::new(Cause::Unreachable, "connection refused")),
            Weather::Partial => return Err(Reason::new(Cause::Partial, "2 of 7 shards failed")),
            Weather::Fine => {}
        }
        match question {
            Question::Call(call) => self.call(call, now),
            Question::Search(search) => Ok(Response::Search(self.search(search, now))),
            Question::Kubernetes(listing) => Ok(Response::Kubernetes(self.objects(listing.resource, now))),
            Question::Dsl(dsl) => {
                Ok(Response::Body(verbatim::dsl(dsl, &self.found(&dsl.index, &dsl.during, now))))
            }
            Question::Esql(esql) => {
                let index = esql.index.as_deref().unwrap();
                Ok(Response::Body(verbatim::esql(esql, &self.found(index, &esql.during, now))))
            }
            Question::Page(page) => Ok(Response::Page(self.page(page, now))),
            Question::Heartbeat(_) => Ok(Response::Heartbeat(self.heard(now))),
            Question::Fetch(fetch) => self.fetch(&words(&fetch.url), now),
        }
    }

    /// What of a window can be found already.
    fn found(&self, index: &str, during: &Option<During>, now: Milli) -> Vec<&Doc> {
        let window = &during.as_ref().unwrap().window;
        let documents = self.documents(index, milli(window.start), milli(window.end)).iter();
        documents.filter(|doc| doc.shown <= now).collect()
    }

    fn call(&self, call: &Call, now: Milli) -> Result<Response, Reason> {
        match call.path.as_str() {
            "/_cluster/health" => Ok(Response::Body(self.cluster.health(now))),
            // a role that may not ask
            "/_cluster/allocation/explain" | "/_cluster/state/routing_table" => {
                Err(Reason::new(Cause::Refused, "not allowed").with_status(403))
            }
            "/_nodes/stats/fs" => Ok(Response::Body(self.disks.stats(now))),
            "/_cluster/state/nodes" => Ok(Response::Body(self.disks.members(now))),
            "/_cluster/state/metadata" => Ok(Response::Body(self.shards.metadata(now))),
            "/_cluster/settings" => Ok(Response::Body(self.disks.settings(now))),
            "/ledger-*/_stats/docs" => self.ledger.stats(now),
            "/_cluster/health/ledger-*" => Ok(Response::Body(self.ledger.health(now))),
            other => panic!("nobody here answers `{other}`"),
        }
    }

    fn fetch(&self, url: &str, now: Milli) -> Result<Response, Reason> {
        match url.strip_prefix("https://").and_then(|url| url.split_once('/')) {
            Some(("shop.example", "health")) => self.shop.health(now),
            Some((node, path)) => self.kurrent.answer(node, path, now),
            None => panic!("nobody here answers `{url}`"),
        }
    }

    fn objects(&self, resource: Resource, now: Milli) -> Objects {
        match resource {
            Resource::Nodes => Objects::Nodes(self.nodes.objects(now)),
            Resource::Pods => Objects::Pods(self.pods.objects(now)),
            _ => Objects::Workloads(Vec::new()),
        }
    }

    /// The first of them in their order; those of one time are in that of their `_seq_no`.
    fn page(&self, page: &Page, now: Milli) -> PageAnswer {
        let (since, until) = (page.since.map_or(Milli::MIN, milli), milli(page.until));
        let all = self.documents(&page.index, Milli::MIN, Milli::MAX).iter().enumerate();
        let found = all.filter(|(_, doc)| doc.shown <= now && (since..until).contains(&doc.at));
        let found = found.filter(|(_, doc)| {
            page.filter.as_ref().is_none_or(|filter| search::fits(doc, filter.query(), &page.time_field))
        });
        let passed = |(partition, mark)| page.after.get(&partition).is_some_and(|after| mark <= *after);
        let found = found.filter(|(n, doc)| !passed(place(page, *n, doc)));
        let mut documents: Vec<Document> = found.map(|(n, doc)| document(page, n, doc)).collect();
        let known = |doc: &Document| page.except.get(&doc.index).is_some_and(|ids| ids.contains(&doc.id));
        documents.retain(|doc| !known(doc));
        documents.sort_by_key(|doc| (doc.partition, doc.mark));
        let more = documents.len() > page.size;
        documents.truncate(page.size);
        PageAnswer { documents, more }
    }

    fn search(&self, search: &Search, now: Milli) -> SearchAnswer {
        let (from, to) = search::window(search);
        let documents = self.documents(&search.index, from, to);
        search::answer(search, documents.iter().filter(|doc| doc.shown <= now))
    }
}

/// Its partition, and where it stands there.
fn place(page: &Page, n: usize, doc: &Doc) -> (i64, Mark) {
    let whole = |field: &str| doc.field(field).and_then(Value::as_i64).unwrap();
    match &page.order {
        Order::Time => (0, Mark(nanos(doc), i64::try_from(n).unwrap())),
        Order::Sequence { field, partition } => (whole(partition), Mark(whole(field), 0)),
    }
}

fn nanos(doc: &Doc) -> i64 {
    time(doc.at).timestamp_nanos_opt().unwrap()
}

fn document(page: &Page, n: usize, doc: &Doc) -> Document {
    let (partition, mark) = place(page, n, doc);
    let fields = doc.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let (index, id) = (page.index.replace('*', "1"), format!("doc-{n}"));
    Document { index, id, partition, mark, at: nanos(doc), source: Some(Value::Object(fields.collect())) }
}

fn words(secret: &Secret) -> String {
    let words = |part: &Part| match part {
        Part::Literal(text) => text.clone(),
        Part::Env(name) | Part::File(name) => panic!("no secret `{name}` here"),
    };
    secret.parts.iter().map(words).collect()
}
