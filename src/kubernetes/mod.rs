//! The door to Kubernetes: the only room that talks to its API.
//!
//! A look lists what it needs, page by page, and every object is trimmed as it arrives. A list of several pages that is asked for
//! again and again is watched, and a look then asks for the changes only; `shelf` decides, and `view` says what proves that what
//! was watched is still true.

#[cfg(not(feature = "kubernetes"))]
mod absent;
#[cfg(feature = "kubernetes")]
mod connect;
#[cfg(feature = "kubernetes")]
mod follow;
#[cfg(feature = "kubernetes")]
mod kubeconfig;
#[cfg(feature = "kubernetes")]
mod list;
#[cfg(feature = "kubernetes")]
mod shelf;
#[cfg(feature = "kubernetes")]
mod trouble;
#[cfg(feature = "kubernetes")]
mod view;

#[cfg(not(feature = "kubernetes"))]
pub use absent::Kubernetes;
#[cfg(feature = "kubernetes")]
pub use connect::Kubernetes;
