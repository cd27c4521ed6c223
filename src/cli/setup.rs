//! `setup`: what the settings need in a cluster, made once and by hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use super::{
    args::{Global, Setup},
    block_on, load,
    out::Out,
    paint::Tone,
    stop::{Code, Stop},
};
use crate::{
    clock::Clock,
    config::Settings,
    elastic::Elastic,
    engine::{
        doors::Doors,
        setup::{Done, How, Place},
        start::reveal,
    },
    sinks::Destination,
};

pub fn run(global: &Global, args: &Setup, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let places = places(&settings);
    if places.is_empty() {
        out.print("nothing to set up: no sink keeps a history in a cluster\n")?;
        return Ok(Code::Fine.into());
    }
    let doors = Doors::open(&settings, &Clock::system(), &reveal());
    let doors = doors.map_err(|error| Stop::Config(error.to_string()))?;
    block_on(set_up(doors.clusters(), &places, args.dry_run, out))?;
    Ok(Code::Fine.into())
}

/// Cluster and name of every history, once.
fn places(settings: &Settings) -> BTreeSet<(String, String)> {
    let place = |destination| match destination {
        Destination::History { name, index } => Some((name, index)),
        _ => None,
    };
    settings.sinks.values().filter_map(|sink| place(sink.destination())).collect()
}

/// All that can be made is made, whatever is refused beside it.
async fn set_up(
    doors: &BTreeMap<String, Elastic>,
    places: &BTreeSet<(String, String)>,
    dry_run: bool,
    out: Out,
) -> Result<(), Stop> {
    let mut refused = Vec::new();
    for (cluster, name) in places {
        let Some(door) = doors.get(cluster) else { continue };
        match (Place { door, name, dry_run }).set_up().await {
            Ok(all) => {
                let lines: String = all.iter().map(|done| in_words(cluster, done, dry_run)).collect();
                out.print(&lines)?;
            }
            Err(reason) => refused.push(format!("cluster `{cluster}`, `{name}`: {}", reason.text)),
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Stop::Io(refused.join("\n"))) }
}

fn in_words(cluster: &str, done: &Done, dry_run: bool) -> String {
    let how = match (done.how, dry_run) {
        (How::There, _) => Tone::Clear.paint("is there"),
        (How::Made, false) => Tone::Clear.paint("made"),
        (How::Renewed, false) => Tone::Clear.paint("renewed"),
        (How::Made, true) => Tone::Warning.paint("would be made"),
        (How::Renewed, true) => Tone::Warning.paint("would be renewed"),
    };
    format!("{how}: {}, in cluster {cluster}\n", done.what)
}
