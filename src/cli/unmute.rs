//! `unmute`: ends mutes before their time.

use std::process::ExitCode;

use super::{
    args::{self, Global},
    load, mute,
    out::Out,
    stop::{Code, Stop},
};
use crate::store::Mutes;

pub fn run(global: &Global, args: &args::Unmute, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let mutes = Mutes::open(&settings.store.path)?;
    if !mutes.unmute(&args.rule, args.entity.as_ref())? {
        mute::refuse_unknown(&settings, &args.rule)?;
        out.print(&format!("{} was not muted\n", subject(args)))?;
        return Ok(Code::Fine.into());
    }
    out.print(&format!("{} is told again\n", subject(args)))?;
    Ok(Code::Fine.into())
}

fn subject(args: &args::Unmute) -> String {
    let of = args.entity.as_ref().map(|entity| format!(" for {entity}")).unwrap_or_default();
    format!("{}{of}", args.rule)
}
