//! The door to Kubernetes: the only room that talks to its API.
//!
//! Nothing is watched and nothing is kept between looks but the connection: a look lists what it needs, page by page, and every
//! object is trimmed as it arrives.

#[cfg(not(feature = "kubernetes"))]
mod absent;
#[cfg(feature = "kubernetes")]
mod connect;
#[cfg(feature = "kubernetes")]
mod list;
#[cfg(feature = "kubernetes")]
mod trouble;

#[cfg(not(feature = "kubernetes"))]
pub use absent::Kubernetes;
#[cfg(feature = "kubernetes")]
pub use connect::Kubernetes;
