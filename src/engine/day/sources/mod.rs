//! One file per source: what happens there, what it answers, and what has to be told of it.

pub mod cluster;
pub mod disks;
pub mod forecast;
pub mod hosts;
pub mod kubernetes;
pub mod kurrent;
pub mod ledger;
pub mod news;
pub mod pods;
pub mod queues;
pub mod rates;
pub mod shards;
pub mod shop;
pub mod signs;
pub mod spray;
pub mod web;
pub mod zeebe;

use super::{oracle::Promise, truth::Truth};

/// What every rule has to tell; whoever speaks for others first.
pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let sources = [
        cluster::promises,
        disks::promises,
        forecast::promises,
        hosts::promises,
        kubernetes::promises,
        kurrent::promises,
        ledger::promises,
        news::promises,
        pods::promises,
        queues::promises,
        rates::promises,
        shards::promises,
        shop::promises,
        signs::promises,
        spray::promises,
        web::promises,
        zeebe::promises,
    ];
    sources.into_iter().flat_map(|source| source(truth)).collect()
}
