//! `check`: rules judged once, with the daemon's own eyes and its own state machine. Nothing is sent.

mod judge;
mod look;
mod report;
pub mod show;
#[cfg(test)]
mod tests;
mod wait;
pub mod worst;

use std::{process::ExitCode, sync::Arc, time::Instant};

use self::{look::Looks, report::Report, show::View};
use super::{
    args::{self, Format, Global},
    block_on, load,
    out::Out,
    stop::Stop,
};
use crate::config::{RuleSet, Settings};

pub fn run(global: &Global, args: &args::Check, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let set = chosen(load::rules(&settings)?.set, &args.rules)?;
    let started = Instant::now();
    let report = block_on(check(settings.clone(), set, args))?;
    let text = match args.format {
        Format::Json => {
            serde_json::to_string_pretty(&report).map_err(|error| Stop::Fault(error.to_string()))? + "\n"
        }
        Format::Table => {
            let view = View { width: out.width, zone: settings.timezone, took: started.elapsed() };
            show::table(&report, view)
        }
    };
    out.print(&text)?;
    Ok(ExitCode::from(report.exit_code))
}

/// Only those that are named; a name that is not there is a mistake, not an empty set.
fn chosen(mut set: RuleSet, names: &[String]) -> Result<RuleSet, Stop> {
    for name in names {
        if set.disabled.contains(name) {
            return Err(Stop::Usage(format!(
                "rule `{name}` is disabled\nhint: take `enabled: false` out of it"
            )));
        }
        if !set.rules.contains_key(name) {
            return Err(Stop::unknown("rule", name, set.rules.keys().map(String::as_str)));
        }
    }
    if !names.is_empty() {
        set.rules.retain(|id, _| names.contains(id));
    }
    Ok(set)
}

async fn check(settings: Arc<Settings>, set: RuleSet, args: &args::Check) -> Result<Report, Stop> {
    let mut looks = Looks::new(settings, set, args.state.as_deref(), args.wait.is_some()).await?;
    let report = match args.wait {
        None => looks.look(args.fail_on).await?,
        Some(patience) => wait::until_settled(&mut looks, args, patience).await?,
    };
    looks.close().await?;
    Ok(report)
}
