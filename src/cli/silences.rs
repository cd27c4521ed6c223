//! `silences`: what is muted, by whom, why, and what waits for its end.

use std::{collections::BTreeMap, process::ExitCode};

use serde_json::{Value, json};

use super::{
    args::{Format, Global},
    load, mute,
    out::Out,
    paint::Tone,
    stop::{Code, Stop},
    table::{Row, Table},
};
use crate::{
    clock::Clock,
    model::{Time, silence::Silence, span, time::elapsed, wording},
    store::Reader,
};

pub fn run(global: &Global, format: Format, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let store = Reader::open(&settings.store.path)?;
    let now = Clock::system().now();
    let silences = store.silences(now)?;
    let waiting = waiting(&store)?;
    if format == Format::Json {
        let all: Vec<Value> = silences
            .iter()
            .map(|silence| {
                let mut value = as_json(silence);
                value["withholds"] = waiting.get(&silence.id).copied().unwrap_or_default().into();
                value
            })
            .collect();
        out.print(&format!("{}\n", json!({ "at": now, "silences": all })))?;
        return Ok(Code::Fine.into());
    }
    if silences.is_empty() {
        out.print(&format!("{}\n", Tone::Clear.paint("nothing is muted")))?;
        return Ok(Code::Fine.into());
    }
    let mut table = Table::new(["id", "muted", "until", "left", "by", "why", "withholds"], &[6]);
    for silence in &silences {
        let withholds = waiting.get(&silence.id).copied().unwrap_or_default();
        table.push(row(silence, withholds, now, settings.timezone));
    }
    out.print(&table.render_folded(out.width, &[2, 4, 5]))?;
    Ok(Code::Fine.into())
}

fn row(silence: &Silence, withholds: usize, now: Time, zone: chrono_tz::Tz) -> Row {
    let left = span::show(elapsed(now, silence.until));
    let (what, until) = (mute::subject(silence), wording::when(silence.until, now, zone));
    let withholds = if withholds == 0 { String::new() } else { withholds.to_string() };
    let cells = [&silence.id, &what, &until, &left, &silence.who, &silence.reason, &withholds];
    Row::new(if withholds.is_empty() { Tone::Quiet } else { Tone::Waiting }, cells)
}

/// By silence: of how many alerts something waits for its end.
fn waiting(store: &Reader) -> Result<BTreeMap<String, usize>, Stop> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for sinks in store.load()?.into_values().flat_map(|stored| stored.told.into_values()) {
        let by = sinks.into_values().find_map(|told| told.withheld?.by.silence);
        if let Some(id) = by {
            *counts.entry(id).or_default() += 1;
        }
    }
    Ok(counts)
}

pub fn as_json(silence: &Silence) -> Value {
    json!({
        "id": silence.id, "match": silence.matchers, "until": silence.until,
        "reason": silence.reason, "who": silence.who, "created": silence.created,
    })
}
