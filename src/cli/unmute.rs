//! `unmute`: ends silences before their time.

use std::process::ExitCode;

use super::{
    args::{self, Global},
    load,
    mute::{self, Known},
    out::Out,
    stop::{Code, Stop},
};
use crate::{
    clock::Clock,
    model::{matcher::Matcher, silence::Silence},
    store::Silences,
};

pub fn run(global: &Global, args: &args::Unmute, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let silences = Silences::open(&settings.store.path)?;
    let active = silences.active(Clock::system().now())?;
    let ending: Vec<&Silence> = active.iter().filter(|silence| is_meant(args, silence)).collect();
    if ending.is_empty() {
        Known::read(&settings)?.refuse_unknown(&args.what)?;
        let of = args.entity.as_ref().map(|entity| format!(" for {entity}")).unwrap_or_default();
        out.print(&format!("{}{of} was not muted\n", args.what))?;
        return Ok(Code::Fine.into());
    }
    for silence in ending {
        if silences.end(&silence.id)? {
            out.print(&format!("{} is told again\n", mute::subject(silence)))?;
        }
    }
    Ok(Code::Fine.into())
}

/// By its id, or as `mute` was asked; a rule alone means whatever is muted of it.
fn is_meant(args: &args::Unmute, silence: &Silence) -> bool {
    match &args.entity {
        None => silence.id == args.what || silence.matchers.contains(&Matcher::equal("rule", &args.what)),
        Some(entity) => silence.matchers == Silence::matchers_of(&args.what, Some(entity)),
    }
}
