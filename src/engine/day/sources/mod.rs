//! One file per source: what happens there, what it answers, and what has to be told of it.

pub mod cluster;
pub mod web;

use super::{oracle::Promise, truth::Truth};

/// What every rule has to tell.
pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    [cluster::promises, web::promises].into_iter().flat_map(|source| source(truth)).collect()
}
