//! What is behind silence, and what to do about it.

use crate::{
    checks::Advice,
    model::{Entity, Number, Reading},
};

pub fn advise(entity: &Entity, reading: &Reading) -> Advice {
    if reading.value <= Number::Int(0) {
        return Advice::default();
    }
    let fact = |name: &str| reading.facts.text(name).unwrap_or_default();
    let name = entity.get("heartbeat").unwrap_or_default();
    let (cause, next_step) = match fact("state") {
        "failed" => (
            format!("`{name}` said at {} that it failed", fact("failed")),
            "read its own log of that time; the next good sign of life ends this",
        ),
        "runs_too_long" => (
            format!("`{name}` began at {} and has not ended for {}", fact("started"), fact("runs_for")),
            "see whether it hangs, or has more to do than before",
        ),
        "silent" => (
            format!(
                "no sign of life of `{name}` for {}, it should come every {}",
                fact("silent_for"),
                fact("expected_every")
            ),
            "see whether it still runs, and whether it reaches highwater",
        ),
        _ => (
            format!("no document in `{}` was a sign of life for {}", fact("index"), fact("window")),
            "follow the pipeline from where these documents are made: the canary, the exporter, the index",
        ),
    };
    Advice { cause: Some(cause), next_step: Some(next_step.to_owned()) }
}
