//! `sinks`: what every sink is like, a try, and what becomes of messages that were given up.

mod letters;
mod list;
mod test;

use std::process::ExitCode;

pub use self::letters::{deed_as_json, deed_in_words};
use super::{
    args::{self, Global, SinksCommand},
    load,
    out::Out,
    stop::Stop,
};

pub fn run(global: &Global, args: args::Sinks, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    match args.command {
        None => list::run(&settings, args.format, out),
        Some(SinksCommand::Test { sink, life }) => test::run(&settings, &sink, life, out),
        Some(SinksCommand::Dead { sink }) => letters::list(&settings, sink.as_deref(), args.format, out),
        Some(SinksCommand::Retry(retry)) => letters::retry(&settings, &retry, out),
        Some(SinksCommand::Drop(drop)) => letters::put_away(&settings, &drop, out),
    }
}
