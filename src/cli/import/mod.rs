//! `import elastalert`: rules of ElastAlert2, taken over.

mod find;
mod show;
#[cfg(test)]
mod tests;
mod write;

use std::{env, path::PathBuf, process::ExitCode};

use super::{
    args::{Elastalert, Format, Global, ImportFrom},
    out::Out,
    stop::{Code, Stop},
};
use crate::import::{self, Verdict};

pub fn run(global: &Global, from: &ImportFrom, out: Out) -> Result<ExitCode, Stop> {
    let ImportFrom::Elastalert(args) = from;
    elastalert(theirs(global), args, out)
}

fn elastalert(config: Option<PathBuf>, args: &Elastalert, out: Out) -> Result<ExitCode, Stop> {
    let config = config.or_else(|| find::config_of(&args.folder));
    let found = find::folder(&args.folder, config.as_deref())?;
    let import = import::translate(&found.global, &found.sources);
    if let Some(folder) = &args.out {
        write::all(&import, folder)?;
    }
    match args.format {
        Format::Json => out.print(&show::json(&import))?,
        Format::Table => out.print(&show::table(&import, args.out.as_deref(), out))?,
    }
    let all = import.report.rules.iter().all(|rule| rule.verdict != Verdict::Impossible);
    Ok(if all { Code::Fine } else { Code::No }.into())
}

/// `--config` is theirs here; ours by default, or from the environment, is not meant.
fn theirs(global: &Global) -> Option<PathBuf> {
    let last = global.config.last()?;
    let ours = global.config == [PathBuf::from("config/highwater.yaml")];
    let variable = env::var_os("HIGHWATER_CONFIG");
    let inherited = variable.is_some_and(|paths| env::split_paths(&paths).eq(global.config.iter().cloned()));
    (!ours && !inherited).then(|| last.clone())
}
