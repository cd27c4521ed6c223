//! What a name resolves to is checked, and exactly the checked addresses are connected to: a name that changes between two looks
//! changes nothing.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

pub use crate::model::address::{Forbidden, allowed, is_forbidden};

/// The operating system's answer without the forbidden addresses.
#[derive(Clone, Copy, Debug)]
pub struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses = allowed(found.collect())?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
