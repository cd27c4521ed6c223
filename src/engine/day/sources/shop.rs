//! A web shop that says of itself whether it is up.

use std::time::Duration;

use serde_json::json;

use super::super::{
    luck::{Luck, Spell, is_in},
    oracle::{Promise, Rung, Said, one},
    truth::{MINUTE, Milli, Place, Truth},
};
use crate::model::{
    Cause, Entity, Level, Reason,
    fetch::{Body, Fetched},
    query::Response,
};

pub struct Shop {
    down: Vec<Spell>,
}

impl Shop {
    pub fn of(luck: &mut Luck) -> Self {
        Self { down: luck.spells((1200, 9000), (10, 1200)) }
    }

    /// `GET https://shop.example/health`; there are several ways to be down.
    pub fn health(&self, at: Milli) -> Result<Response, Reason> {
        let (status, said) = match (is_in(&self.down, at), at / MINUTE % 3) {
            (false, _) => (200, "UP"),
            (true, 0) => return Err(Reason::new(Cause::Unreachable, "connection refused")),
            (true, 1) => (503, "UP"),
            (true, _) => (200, "DRAINING"),
        };
        let (body, latency) = (Body::Json(json!({ "status": said })), Duration::from_millis(12));
        Ok(Response::Fetched(Fetched { status, body, latency, not_after: None }))
    }
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let shop = Promise::new("shop-up", 2 * MINUTE, Place::Nowhere)
        .repeats(5 * MINUTE)
        .rung(Rung::new(Level::Critical, |down| down > 0.0).lasting(2 * MINUTE))
        .says(move |moment| {
            let down = is_in(&truth.shop.down, moment.asked);
            one(Entity::empty(), Said::Number(f64::from(down)))
        });
    vec![shop]
}
