//! `mute`: nothing is told of a rule for a while. Written beside the daemon, which sees it within a second.

use std::{collections::BTreeSet, env, process::ExitCode};

use super::{
    args::{self, Global},
    load,
    out::Out,
    stop::{Code, Stop},
};
use crate::{
    clock::Clock,
    config::Settings,
    model::{span, wording},
    store::{Mute, Mutes, Reader, StoreError},
};

pub fn run(global: &Global, args: args::Mute, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let mutes = Mutes::open(&settings.store.path)?;
    refuse_unknown(&settings, &args.rule)?;
    let now = Clock::system().now();
    let who = env::var("SUDO_USER").or_else(|_| env::var("USER")).unwrap_or_else(|_| "somebody".to_owned());
    let until = now + args.span;
    let mute = Mute { rule: args.rule, entity: args.entity, until, reason: args.reason, who, created: now };
    mutes.mute(&mute)?;
    let of = mute.entity.as_ref().map(|entity| format!(" for {entity}")).unwrap_or_default();
    let until = wording::when(mute.until, now, settings.timezone);
    let (rule, span) = (&mute.rule, span::show(args.span));
    out.print(&format!("muted {rule}{of} until {until} ({span}); what still fires then is told then\n"))?;
    Ok(Code::Fine.into())
}

/// A rule is known by its file, or by what the store remembers of it: during an incident either must do.
pub fn refuse_unknown(settings: &Settings, rule: &str) -> Result<(), Stop> {
    let mut known: BTreeSet<String> = match Reader::open(&settings.store.path).and_then(|store| store.load())
    {
        Ok(stored) => stored.into_keys().map(|key| key.rule).collect(),
        Err(StoreError::Missing { .. }) => BTreeSet::new(),
        Err(error) => return Err(error.into()),
    };
    match load::rules(settings) {
        Ok(loaded) => {
            known.extend(loaded.set.rules.keys().cloned());
            known.extend(loaded.set.disabled);
        }
        Err(stop) if known.contains(rule) => drop(stop),
        Err(stop) => return Err(stop),
    }
    if known.contains(rule) {
        return Ok(());
    }
    Err(Stop::unknown("rule", rule, known.iter().map(String::as_str)))
}
