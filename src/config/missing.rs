//! What missing data means, as people write it: `keep`, `resolve`, `fire warning`, `{ keep: 1h, then: fire warning }`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    at::{At, TextOr},
    complaint::Complaint,
};
use crate::model::{Level, LevelPolicy, Missing, policy::MissingThen, span::Span};

/// What missing data means, in its long form.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MissingLong {
    /// How long it changes nothing.
    pub keep: Option<Span>,
    /// What it means after that: `resolve` or `fire LEVEL`.
    pub then: Option<At<String>>,
    /// Short for `then: fire LEVEL`.
    pub fire: Option<At<String>>,
    /// An entity that fires for being gone is forgotten after this long.
    pub forget: Option<At<Span>>,
}

/// `keep`, `resolve`, `fire LEVEL`, or `{ keep: 1h, then: fire LEVEL }`.
pub type MissingForm = At<TextOr<MissingLong>>;

pub fn parse(form: &MissingForm) -> Result<Missing, Complaint> {
    match &form.value {
        TextOr::Text(text) if text == "keep" => Ok(Missing::KEEP),
        TextOr::Text(text) => {
            let then = then(text).map_err(|why| form.error(why))?;
            Ok(Missing { keep: Some(std::time::Duration::ZERO), then, forget: None })
        }
        TextOr::Long(long) => parse_long(form, long),
    }
}

fn parse_long(form: &MissingForm, long: &MissingLong) -> Result<Missing, Complaint> {
    let then = match (&long.then, &long.fire) {
        (Some(_), Some(fire)) => return Err(fire.error("`then` and `fire` say the same; write one of them")),
        (Some(text), None) => then(&text.value).map_err(|why| text.error(why))?,
        (None, Some(level)) => {
            MissingThen::Fire(level.value.parse().map_err(|why: String| level.error(why))?)
        }
        (None, None) => {
            return Err(form
                .error("what happens after `keep` is missing; write `then: resolve` or `then: fire LEVEL`"));
        }
    };
    if let Some(forget) = long.forget.as_ref().filter(|_| then == MissingThen::Resolve) {
        return Err(forget.error("`forget` goes with `fire`; what resolves is forgotten at once"));
    }
    let keep = Some(long.keep.map_or(std::time::Duration::ZERO, |span| span.0));
    Ok(Missing { keep, then, forget: long.forget.as_ref().map(|span| span.value.0) })
}

/// A kind's own default, for a rule that has no level so mild: it fires the mildest one there is.
pub fn reaching(missing: Missing, levels: &[LevelPolicy]) -> Missing {
    let mildest = levels.iter().map(|level| level.level).min();
    match (missing.then, mildest) {
        (MissingThen::Fire(worst), Some(mildest)) if worst < mildest => {
            Missing { then: MissingThen::Fire(mildest), ..missing }
        }
        _ => missing,
    }
}

fn then(text: &str) -> Result<MissingThen, String> {
    if text == "resolve" {
        return Ok(MissingThen::Resolve);
    }
    match text.strip_prefix("fire ") {
        Some(level) => level.trim().parse::<Level>().map(MissingThen::Fire),
        None => {
            Err(format!("`{text}` is no answer to missing data; write `keep`, `resolve` or `fire LEVEL`"))
        }
    }
}
