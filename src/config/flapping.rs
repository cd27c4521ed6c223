//! When coming and going is too much, as people write it: `off`, or `{ changes: 5, within: 1h }`.

use super::{
    at::{At, TextOr},
    complaint::Complaint,
    routes_form::FlappingForm,
};
use crate::model::{flapping::Flapping, span::Span};

/// More changes than these nobody counts.
const MOST: u64 = 1000;

/// `None`: never. What is left out is the usual.
pub fn parse(form: Option<&At<TextOr<FlappingForm>>>) -> Result<Option<Flapping>, Complaint> {
    let usual = Flapping::default();
    let Some(form) = form else { return Ok(Some(usual)) };
    let long = match &form.value {
        TextOr::Text(text) if text == "off" => return Ok(None),
        TextOr::Text(text) => {
            let why =
                format!("`{text}` is not about flapping; write `off`, or `{{ changes: 5, within: 1h }}`");
            return Err(form.error(why));
        }
        TextOr::Long(long) => long,
    };
    let changes = long.changes.as_ref().map_or(u64::from(usual.changes), |changes| changes.value);
    if let Some(changes) = long.changes.as_ref().filter(|changes| !(3..=MOST).contains(&changes.value)) {
        return Err(
            changes.error(format!("this has to be from 3 to {MOST}; `off` takes no notice of flapping"))
        );
    }
    let length = |form: &Option<At<Span>>| form.as_ref().map(|form| form.value.0);
    if let Some(span) = [&long.within, &long.settle].into_iter().flatten().find(|span| span.value.0.is_zero())
    {
        return Err(span.error("this has to be longer than nothing"));
    }
    let within = length(&long.within).unwrap_or(usual.within);
    let settle = length(&long.settle).unwrap_or(within / 2);
    Ok(Some(Flapping { changes: u32::try_from(changes).unwrap_or(u32::MAX), within, settle }))
}
