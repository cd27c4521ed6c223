//! What the integration tests and the demo share: real engines, and the list of tests that could not run.

pub mod daemon;
pub mod double;
pub mod engine;
pub mod gate;
pub mod grpc;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
pub mod moto;
pub mod not_run;
pub mod receiver;
pub mod sigv4;
pub mod slack;
pub mod smtp;
pub mod wire;
pub mod zeebe;
