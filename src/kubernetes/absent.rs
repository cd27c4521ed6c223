//! In place of the door, where highwater was built without it. Rules that would need it are refused when they are read.

use std::time::Duration;

use crate::model::{
    Cause, Reason,
    kubernetes::{Access, Listing, Objects},
};

#[derive(Clone, Debug, Default)]
pub struct Kubernetes;

impl Kubernetes {
    /// Nothing: the rules that ask are refused for another reason.
    pub fn mistake(_: &Access) -> Option<String> {
        None
    }

    #[expect(clippy::unused_async, reason = "the door that is there asks")]
    pub async fn list(&self, _: &Listing, _: Duration) -> Result<Objects, Reason> {
        Err(Reason::new(Cause::Unsupported, "this highwater was built without the feature `kubernetes`"))
    }
}
