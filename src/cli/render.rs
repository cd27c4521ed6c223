//! `render`: the exact request that a sink would be sent for an alert of a rule. Nothing is sent.

mod show;

use std::process::ExitCode;

use super::{
    args::{self, Global},
    load,
    out::Out,
    paint::Tone,
    stop::{Code, Stop},
};
use crate::{
    clock::Clock,
    config::{Rule, Settings},
    engine::preview::{Subject, is_like, preview},
    model::{Entity, Level},
    store::{OpenAlert, Reader, StoreError},
};

pub fn run(global: &Global, args: &args::Render, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let Some(sink) = settings.sinks.get(&args.sink) else {
        return Err(Stop::unknown("sink", &args.sink, settings.sinks.keys().map(String::as_str)));
    };
    let rule = &load::rule(&load::rules(&settings)?.set, &settings, &args.rule)?;
    let level = level(rule, args.level)?;
    let open = open(&settings, args)?.filter(|open| is_like(rule, (args.kind.into(), level), &open.alert));
    let entity = args.entity.clone().or_else(|| open.as_ref().map(|open| open.entity.clone()));
    let subject = Subject {
        rule,
        cluster: rule.clusters.first().map_or("main", String::as_str),
        sink: &args.sink,
        kind: args.kind.into(),
        level,
        entity: entity.unwrap_or_else(|| made_up(rule)),
        alert: open.as_ref().map(|open| &open.alert),
    };
    let now = Clock::system().now();
    let (delivery, failed) = preview(&settings, now, &subject);
    let message = sink.render(&delivery, None);
    out.print(&show::show(&sink.destination(), &message, now))?;
    if open.is_none() {
        let what = "no such alert is open in the store: value, times and entity are made up, cause and next step are marked as \
                    examples, and there are no facts";
        Out::note(&format!("{} {what}\n", Tone::Quiet.paint("note:")));
    }
    for (of, why) in &failed {
        let instead = "highwater's own words stand in its place";
        Out::note(&format!("{} a text of {of} failed: {why}; {instead}\n", Tone::Warning.paint("warning:")));
    }
    Ok(if failed.is_empty() { Code::Fine } else { Code::No }.into())
}

/// Of a rule without that level there is nothing to show.
fn level(rule: &Rule, wanted: Option<Level>) -> Result<Level, Stop> {
    let levels = &rule.policy.levels;
    match wanted {
        Some(level) if levels.iter().any(|one| one.level == level) => Ok(level),
        Some(level) => {
            let known: Vec<&str> = levels.iter().map(|one| one.level.name()).collect();
            Err(Stop::unknown("level", level.name(), known))
        }
        None => Ok(levels.last().map_or(Level::Warning, |one| one.level)),
    }
}

/// An alert that is open now has facts; one that is made up has none.
fn open(settings: &Settings, args: &args::Render) -> Result<Option<OpenAlert>, Stop> {
    let found = match Reader::open(&settings.store.path).and_then(|store| store.alerts()) {
        Ok(found) => found,
        Err(StoreError::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let fits = |open: &OpenAlert| {
        open.key.rule == args.rule && args.entity.as_ref().is_none_or(|entity| *entity == open.entity)
    };
    Ok(found.into_iter().find(fits))
}

fn made_up(rule: &Rule) -> Entity {
    Entity::new(rule.check.groups().into_iter().map(|label| (label, "example".to_owned())))
}
