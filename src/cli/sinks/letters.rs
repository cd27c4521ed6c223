//! Messages that were given up: listed, sent after all, or put away.

use std::process::ExitCode;

use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::{
    cli::{
        args::{self, Format},
        out::Out,
        paint::Tone,
        stop::{Code, Stop},
        table::{Row, Table},
        words,
    },
    clock::Clock,
    config::Settings,
    model::{Time, wording},
    store::{Deed, Done, Letters, Queued, State, StoreError},
};

/// How much of an id is shown; as much names it.
const SHOWN: usize = 10;

pub fn list(settings: &Settings, sink: Option<&str>, format: Format, out: Out) -> Result<ExitCode, Stop> {
    let dead = match Letters::open(&settings.store.path) {
        Ok(letters) => letters.dead(sink)?,
        Err(StoreError::Missing { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    if let Some(sink) = sink.filter(|_| dead.is_empty()) {
        known(settings, sink)?;
    }
    match format {
        Format::Json => {
            let all: Vec<Value> = dead.iter().map(as_json).collect();
            out.print(&(json!({ "dead": all }).to_string() + "\n"))?;
        }
        Format::Table => out.print(&table(&dead, settings, out))?,
    }
    Ok(Code::Fine.into())
}

fn as_json(letter: &Queued) -> Value {
    let notification = &letter.delivery.notification;
    json!({
        "sink": letter.key.sink, "id": letter.key.id, "rule": notification.rule, "cluster": notification.cluster,
        "what": wording::title(notification), "created": letter.created, "given_up": letter.due,
        "attempts": letter.attempts, "answer": letter.answer,
        "alerts": notification.alerts.iter().map(|change| json!({ "entity": change.entity, "kind": change.kind })).collect::<Vec<_>>(),
    })
}

fn table(dead: &[Queued], settings: &Settings, out: Out) -> String {
    if dead.is_empty() {
        return "no message was given up\n".to_owned();
    }
    let now = Clock::system().now();
    let mut table = Table::new(["given up", "sink", "id", "message", "attempts"], &[4]);
    for letter in dead {
        let when = words::clock(letter.due, now, settings.timezone);
        let id: String = letter.key.id.chars().take(SHOWN).collect();
        let title = wording::title(&letter.delivery.notification);
        let attempts = letter.attempts.to_string();
        let mut row = Row::new(Tone::Critical, [&when, &letter.key.sink, &id, &title, &attempts]);
        row.notes.extend(letter.answer.as_ref().map(|answer| wording::clean(answer)));
        table.push(row);
    }
    table.render_folded(out.width, &[3, 4])
}

pub fn retry(settings: &Settings, args: &args::Retry, out: Out) -> Result<ExitCode, Stop> {
    let store = Letters::open(&settings.store.path)?;
    let mut chosen = choose(settings, &store, &args.letters)?;
    if !chosen.is_empty() && !settings.sinks.contains_key(&args.letters.sink) {
        return Err(Stop::Usage(format!(
            "sink `{}` is not in the settings any more, so that nothing can be sent to it\n\
             hint: put it back, or put away what is left with `sinks drop --all`",
            args.letters.sink
        )));
    }
    let mut over = 0;
    if !args.even_if_over {
        let (open, ended) = split(&store, chosen)?;
        if ended > 0 && !args.letters.all {
            return Err(Stop::Usage(
                "the alert has ended since: a service that keeps a state would open it and never close it\n\
                 hint: `sinks drop` it, or say `--even-if-over`"
                    .to_owned(),
            ));
        }
        (chosen, over) = (open, ended);
    }
    let now = Clock::system().now();
    store.handle(&chosen, Deed::Retried, (&words::who(), &args.reason), now)?;
    let mut said = format!("{} for {} will be sent again\n", messages(chosen.len()), args.letters.sink);
    if over > 0 {
        said += &format!(
            "{} of alerts that have ended since stay; `--even-if-over` sends them too\n",
            messages(over)
        );
    }
    out.print(&said)?;
    Ok(Code::Fine.into())
}

pub fn put_away(settings: &Settings, args: &args::Drop, out: Out) -> Result<ExitCode, Stop> {
    let store = Letters::open(&settings.store.path)?;
    if args.letters.all && !settings.sinks.contains_key(&args.letters.sink) {
        return clear(settings, &store, args, out);
    }
    let chosen = choose(settings, &store, &args.letters)?;
    let now = Clock::system().now();
    store.handle(&chosen, Deed::Dropped, (&words::who(), &args.reason), now)?;
    out.print(&format!("{} for {} put away\n", messages(chosen.len()), args.letters.sink))?;
    Ok(Code::Fine.into())
}

/// Of a sink that is gone: what still waits for it, too.
fn clear(settings: &Settings, store: &Letters, args: &args::Drop, out: Out) -> Result<ExitCode, Stop> {
    let sink = &args.letters.sink;
    let left = store.clear(sink, (&words::who(), &args.reason), Clock::system().now())?;
    if left.is_empty() {
        known(settings, sink)?;
    }
    let waited = left.iter().filter(|letter| letter.state != State::Dead).count();
    let note = if waited > 0 { format!(", of which {waited} still waited") } else { String::new() };
    out.print(&format!("{} for {sink} put away{note}\n", messages(left.len())))?;
    Ok(Code::Fine.into())
}

fn messages(n: usize) -> String {
    words::count(n, "message")
}

fn known(settings: &Settings, sink: &str) -> Result<(), Stop> {
    if settings.sinks.contains_key(sink) {
        return Ok(());
    }
    Err(Stop::unknown("sink", sink, settings.sinks.keys().map(String::as_str)))
}

/// Of a sink that is gone, too, as long as there are any.
fn choose(settings: &Settings, store: &Letters, args: &args::Letters) -> Result<Vec<Queued>, Stop> {
    let dead = store.dead(Some(&args.sink))?;
    if dead.is_empty() {
        known(settings, &args.sink)?;
    }
    let Some(id) = &args.id else { return Ok(dead) };
    let mut fits: Vec<Queued> =
        dead.into_iter().filter(|letter| letter.key.id.starts_with(id.as_str())).collect();
    match (fits.pop(), fits.len()) {
        (Some(only), 0) => Ok(vec![only]),
        (None, _) => {
            let (sink, id) = (args.sink.clone(), id.clone());
            Err(Stop::Usage(StoreError::NoSuchLetter { sink, id }.to_string()))
        }
        (Some(_), others) => {
            Err(Stop::Usage(format!("`{id}` names {} messages\nhint: write more of the id", others + 1)))
        }
    }
}

/// Those whose alert its sink still believes open or that only end something, and how many others there are.
fn split(store: &Letters, chosen: Vec<Queued>) -> Result<(Vec<Queued>, usize), Stop> {
    let all = chosen.len();
    let mut open = Vec::new();
    for letter in chosen {
        if letter.delivery.opens_nothing() || store.is_open(&letter.delivery)? {
            open.push(letter);
        }
    }
    let over = all - open.len();
    Ok((open, over))
}

/// `10:02 anna dropped CRITICAL: Disk used (main): the disk was swapped`
pub fn deed_in_words(done: &Done, now: Time, zone: Tz) -> String {
    let reason =
        if done.reason.is_empty() { String::new() } else { format!(": {}", wording::clean(&done.reason)) };
    let when = words::clock(done.at, now, zone);
    format!(
        "{when} {} {} {}{reason}",
        wording::clean(&done.who),
        done.deed.name(),
        wording::clean(&done.what)
    )
}

pub fn deed_as_json(done: &Done) -> Value {
    json!({
        "at": done.at, "who": done.who, "deed": done.deed.name(), "sink": done.key.sink, "id": done.key.id,
        "rule": done.rule, "cluster": done.cluster, "what": done.what, "answer": done.answer, "reason": done.reason,
    })
}
