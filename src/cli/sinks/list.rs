//! The list of sinks: state, what waits, what was last said, and how much goes through.

use std::{collections::BTreeSet, process::ExitCode};

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    cli::{
        args::Format,
        out::Out,
        paint::Tone,
        stop::{Code, Stop},
        table::{Row, Table},
        words,
    },
    clock::Clock,
    config::Settings,
    model::{Time, wording},
    store::{Account, Condition, Depth, Done, Reader, StoreError},
};

/// How far back the list tells what people did.
const RECENT: TimeDelta = TimeDelta::days(7);

pub fn run(settings: &Settings, format: Format, out: Out) -> Result<ExitCode, Stop> {
    let now = Clock::system().now();
    let known = match Reader::open(&settings.store.path) {
        Ok(store) => Known::read(&store, now)?,
        // nothing was ever sent
        Err(StoreError::Missing { .. }) => Known::default(),
        Err(error) => return Err(error.into()),
    };
    let lines = known.lines(settings);
    match format {
        Format::Json => out.print(
            &(json!({ "at": now, "sinks": lines.iter().map(Line::as_json).collect::<Vec<_>>() }).to_string()
                + "\n"),
        )?,
        Format::Table => out.print(&table(&lines, settings, now, out))?,
    }
    Ok(Code::Fine.into())
}

/// What the store knows.
#[derive(Default)]
struct Known {
    depths: Vec<Depth>,
    accounts: Vec<Account>,
    deeds: Vec<Done>,
}

/// One sink.
struct Line<'a> {
    name: &'a str,
    /// `None`: it is not in the settings any more.
    kind: Option<&'static str>,
    depth: Depth,
    account: Option<&'a Account>,
    deeds: Vec<&'a Done>,
}

impl Known {
    fn read(store: &Reader, now: Time) -> Result<Self, StoreError> {
        let (depths, accounts) = (store.depth()?, store.accounts(now)?);
        Ok(Self { depths, accounts, deeds: store.deeds(now - RECENT)? })
    }

    fn lines<'a>(&'a self, settings: &'a Settings) -> Vec<Line<'a>> {
        let orphans = self.depths.iter().map(|depth| depth.sink.as_str());
        let names: BTreeSet<&str> = settings.sinks.keys().map(String::as_str).chain(orphans).collect();
        let line = |name| Line {
            name,
            kind: settings.kinds.get(name).copied(),
            depth: self.depths.iter().find(|depth| depth.sink == name).cloned().unwrap_or_default(),
            account: self.accounts.iter().find(|account| account.sink == name),
            deeds: self.deeds.iter().filter(|done| done.key.sink == name).collect(),
        };
        names.into_iter().map(line).collect()
    }
}

impl Line<'_> {
    fn state(&self) -> (Tone, &'static str) {
        match (self.kind, self.account.map(|account| account.condition)) {
            (None, _) => (Tone::Critical, "gone"),
            (_, Some(Condition::Misconfigured)) => (Tone::Critical, "misconfigured"),
            (_, Some(Condition::Failing)) => (Tone::Warning, "failing"),
            (_, Some(Condition::Working)) => (Tone::Clear, "working"),
            (_, None) => (Tone::Quiet, "unused"),
        }
    }

    fn as_json(&self) -> Value {
        let Depth { queued, held, dead, oldest, .. } = &self.depth;
        let account = self.account;
        json!({
            "sink": self.name, "kind": self.kind, "state": self.state().1,
            "queued": queued, "held": held, "dead": dead, "oldest": oldest,
            "answer": account.and_then(|account| account.answer.as_ref()),
            "answered": account.map(|account| account.answered),
            "taken": account.and_then(|account| account.taken),
            "per_hour": account.map_or(0, |account| account.per_hour),
            "deeds": self.deeds.iter().map(|done| super::letters::deed_as_json(done)).collect::<Vec<_>>(),
        })
    }

    fn row(&self, settings: &Settings, now: Time) -> Row {
        let clock = |at: Time| words::clock(at, now, settings.timezone);
        let Depth { queued, held, dead, oldest, .. } = &self.depth;
        let (tone, state) = self.state();
        let taken = self.account.and_then(|account| account.taken).map(clock).unwrap_or_default();
        let rate = self.account.map_or(0, |account| account.per_hour).to_string();
        let (queued, held, dead) = (queued.to_string(), held.to_string(), dead.to_string());
        let oldest = oldest.map(clock).unwrap_or_default();
        let kind = self.kind.unwrap_or("not in the settings");
        let mut row = Row::new(tone, [state, self.name, kind, &queued, &held, &dead, &oldest, &taken, &rate]);
        let said = self.account.and_then(|account| Some((account.answered, account.answer.as_ref()?)));
        row.notes.extend(said.map(|(at, words)| format!("{}: {}", clock(at), wording::clean(words))));
        row.notes.extend(
            self.deeds.iter().take(3).map(|done| super::letters::deed_in_words(done, now, settings.timezone)),
        );
        row
    }
}

fn table(lines: &[Line<'_>], settings: &Settings, now: Time, out: Out) -> String {
    if lines.is_empty() {
        return "no sink is configured\n".to_owned();
    }
    let header = ["state", "sink", "kind", "queued", "held", "dead", "oldest", "taken", "per hour"];
    let mut table = Table::new(header, &[3, 4, 5, 8]);
    lines.iter().for_each(|line| table.push(line.row(settings, now)));
    table.render_folded(out.width, &[2, 4, 6, 7])
}
