//! Whole lists: page by page, each page trimmed before the next is asked for.

use std::time::Duration;

use futures::io::AsyncReadExt;
use kube::{
    Client,
    api::{ListParams, Request},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::trouble;
use crate::model::{
    Cause, Reason,
    kubernetes::{Page, Resource},
    span,
};

/// Objects of one page.
pub const PAGE: u32 = 500;
/// Objects of one list: more than the largest clusters have.
const MOST: usize = 300_000;
/// Bytes of one page: objects are at most 1.5 MB each, and usually 5 kB.
const PAGE_BYTES: u64 = 128 << 20;
/// A list that takes longer than this many requests may is given up.
const REQUESTS: u32 = 12;
/// How often a list is begun anew whose pages expired on the way.
const RESTARTS: u32 = 3;

/// Whom to ask, and for which objects.
#[derive(Clone)]
pub struct Asked {
    pub client: Client,
    pub resource: Resource,
    pub namespace: Option<String>,
    /// Of one request.
    pub timeout: Duration,
}

/// Every object of one moment.
pub struct Listed<T> {
    pub objects: Vec<T>,
    /// The moment; `None` where the API says it in another form than a number.
    pub version: Option<u64>,
}

/// An object of which nothing is wanted.
#[derive(Deserialize)]
struct Unread {}

/// Why there is no page.
enum NoPage {
    /// The list's version is gone from the API's memory (410): what was read of it cannot be continued.
    Expired,
    Because(Reason),
}

impl Asked {
    /// All of them, or the reason why nothing is known.
    pub async fn list<T: DeserializeOwned>(&self) -> Result<Listed<T>, Reason> {
        let whole = self.timeout.saturating_mul(REQUESTS);
        tokio::time::timeout(whole, self.begun_anew()).await.unwrap_or_else(|_| {
            let text = format!("`{}` were not listed within {}", self.resource.name(), span::show(whole));
            Err(Reason::new(Cause::Timeout, text))
        })
    }

    /// The present moment, for the price of one object. Whatever would keep a list from being answered keeps this one too.
    pub async fn moment(&self) -> Result<Option<u64>, Reason> {
        match self.page::<Unread>(&ListParams::default().limit(1)).await {
            Ok(page) => Ok(page.version()),
            Err(NoPage::Because(reason)) => Err(reason),
            Err(NoPage::Expired) => Ok(None),
        }
    }

    async fn begun_anew<T: DeserializeOwned>(&self) -> Result<Listed<T>, Reason> {
        for _ in 0..RESTARTS {
            match self.pages().await {
                Ok(listed) => return Ok(listed),
                Err(NoPage::Because(reason)) => return Err(reason),
                Err(NoPage::Expired) => {}
            }
        }
        let text =
            format!("the list of `{}` expired {RESTARTS} times while it was read", self.resource.name());
        Err(Reason::new(Cause::Partial, text))
    }

    async fn pages<T: DeserializeOwned>(&self) -> Result<Listed<T>, NoPage> {
        let mut objects: Vec<T> = Vec::new();
        let mut params = ListParams::default().limit(PAGE);
        loop {
            let page: Page<T> = self.page(&params).await?;
            let (next, version) = (page.next().map(str::to_owned), page.version());
            objects.extend(page.items);
            match next {
                None => return Ok(Listed { objects, version }),
                Some(_) if objects.len() >= MOST => return Err(self.too_many()),
                Some(next) => params = ListParams::default().limit(PAGE).continue_token(&next),
            }
        }
    }

    async fn page<T: DeserializeOwned>(&self, params: &ListParams) -> Result<Page<T>, NoPage> {
        let body = tokio::time::timeout(self.timeout, self.body(params)).await.unwrap_or_else(|_| {
            let text = format!("the API did not answer within {}", span::show(self.timeout));
            Err(NoPage::Because(Reason::new(Cause::Timeout, text)))
        })?;
        serde_json::from_slice(&body).map_err(|error| {
            let text = format!("the list of `{}` cannot be understood: {error}", self.resource.name());
            NoPage::Because(Reason::new(Cause::Malformed, text))
        })
    }

    async fn body(&self, params: &ListParams) -> Result<Vec<u8>, NoPage> {
        let path = self.resource.path(self.namespace.as_deref());
        let request = Request::new(path).list(params).map_err(|error| {
            NoPage::Because(Reason::new(Cause::Invalid, trouble::clean(&error.to_string())))
        })?;
        let stream = match self.client.request_stream(request).await {
            Err(kube::Error::Api(status)) if status.code == 410 => return Err(NoPage::Expired),
            Err(kube::Error::Api(status)) if status.code == 403 => {
                return Err(NoPage::Because(trouble::forbidden(self.resource, self.namespace.as_deref())));
            }
            Err(error) => return Err(NoPage::Because(trouble::of(&error))),
            Ok(stream) => stream,
        };
        let mut body = Vec::new();
        let mut stream = std::pin::pin!(stream.take(PAGE_BYTES));
        stream.read_to_end(&mut body).await.map_err(|error| {
            let text = format!("the answer was cut off: {}", trouble::deepest(&error));
            NoPage::Because(Reason::new(Cause::Unreachable, text))
        })?;
        Ok(body)
    }

    fn too_many(&self) -> NoPage {
        let text = format!("more than {MOST} {} in one list; choose `namespaces`", self.resource.name());
        NoPage::Because(Reason::new(Cause::Partial, text))
    }
}
