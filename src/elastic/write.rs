//! What is written to a cluster: only what an operator asked for, a history and its `setup`.

use serde_json::Value;

use super::{Elastic, request::Request};
use crate::model::{
    Cause, Reason,
    query::{Call, Proof},
};

impl Elastic {
    /// The answer of a cluster API.
    pub async fn get(&self, path: &str, filter: &str) -> Result<Value, Reason> {
        let call = Call::get(path, Proof::Whole).with("filter_path", filter);
        self.inner.call(self.inner.client.now(), &call).await
    }

    /// Makes or changes what is at `path`.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, Reason> {
        let request = Request::put(path, body.to_string())?;
        self.inner.client.send(self.inner.client.now(), &request).await
    }

    /// Documents into an index that is there: one that is not is never made by writing to it. The answer says what became of each.
    pub async fn bulk(&self, index: &str, lines: &str) -> Result<Value, Reason> {
        let strict = self.is_strict(index).await?;
        if !strict {
            let text =
                format!("`{index}` is there, but takes any field: it is not what `highwater setup` makes");
            return Err(Reason::new(Cause::Missing, text));
        }
        let request = Request::bulk(index, lines.to_owned())?;
        self.inner.client.send(self.inner.client.now(), &request).await
    }

    async fn is_strict(&self, index: &str) -> Result<bool, Reason> {
        let found =
            self.get(&format!("/{index}/_mapping"), "*.mappings.dynamic").await.map_err(|reason| {
                let text = format!("there is no `{index}`; run `highwater setup`");
                if reason.cause == Cause::Missing { Reason::new(Cause::Missing, text) } else { reason }
            })?;
        let strict = |one: &Value| one["mappings"]["dynamic"] == "strict";
        Ok(found.as_object().is_some_and(|all| !all.is_empty() && all.values().all(strict)))
    }
}
