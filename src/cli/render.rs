//! `render`: the exact request that a sink would be sent for an alert of a rule. Nothing is sent.

use std::process::ExitCode;

use serde_json::{Value, json};

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
    engine::preview::{Subject, preview},
    http::percent_encoded,
    model::{Entity, Level},
    sinks::{Destination, Endpoint, Letter, Message, Request},
    store::{OpenAlert, Reader, StoreError},
};

pub fn run(global: &Global, args: &args::Render, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let Some(sink) = settings.sinks.get(&args.sink) else {
        return Err(Stop::unknown("sink", &args.sink, settings.sinks.keys().map(String::as_str)));
    };
    let rules = load::rules(&settings)?.set.rules;
    let Some(rule) = rules.get(&args.rule) else {
        return Err(Stop::unknown("rule", &args.rule, rules.keys().map(String::as_str)));
    };
    let level = level(rule, args.level)?;
    let open = open(&settings, args)?;
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
    let (delivery, failed) = preview(&settings, Clock::system().now(), &subject);
    let message = sink.render(&delivery, None);
    out.print(&show(&sink.destination(), &message))?;
    if open.is_none() {
        let what =
            "no such alert is open in the store: value, times and entity are made up, and there are no facts";
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

fn show(to: &Destination, message: &Message) -> String {
    match (to, message) {
        (Destination::Http(endpoint), Message::Http(request)) => {
            let keys = endpoint.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
            let keys: String = keys.chain(basic(endpoint)).collect();
            let method = format!("{:?}", request.method).to_uppercase();
            let head = format!("{method} {}{}\n{}{keys}", endpoint.url, request.path, headers(request));
            format!("{head}\n{}\n{}", pretty(&request.body), builder_link(&request.body).unwrap_or_default())
        }
        (_, Message::Datagrams(datagrams)) => format!("{}\n", datagrams.join("\n")),
        (_, Message::Mail(letter)) => mail(letter),
        (_, Message::Line(line)) => format!("{}\n", pretty(line)),
        (_, Message::Http(request)) => format!("{}{}\n", headers(request), pretty(&request.body)),
    }
}

fn headers(request: &Request) -> String {
    request.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

fn basic(endpoint: &Endpoint) -> Option<String> {
    let (user, password) = endpoint.basic.as_ref()?;
    Some(format!("authorization: Basic {user}:{password}\n"))
}

/// As a client shows it, then the HTML that a browser shows.
fn mail(letter: &Letter) -> String {
    let Letter { from, subject, message_id, .. } = letter;
    let to = letter.to.join(", ");
    let more: String = letter.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let head = format!("From: {from}\nTo: {to}\nSubject: {subject}\nMessage-ID: <{message_id}>\n{more}");
    format!("{head}\n{}\n{}", letter.text, letter.html.as_deref().unwrap_or_default())
}

fn pretty(body: &str) -> String {
    let json = serde_json::from_str::<Value>(body).ok();
    json.and_then(|json| serde_json::to_string_pretty(&json).ok()).unwrap_or_else(|| body.to_owned())
}

/// Slack's own page shows blocks as its clients do.
fn builder_link(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    let shown = match (&body["attachments"], &body["blocks"]) {
        (Value::Array(attachments), _) if attachments.iter().any(|one| one["blocks"].is_array()) => {
            json!({ "attachments": attachments })
        }
        (_, Value::Array(blocks)) => json!({ "blocks": blocks }),
        _ => return None,
    };
    let link = format!("https://app.slack.com/block-kit-builder#{}", percent_encoded(&shown.to_string()));
    Some(format!("\nBlock Kit Builder: {link}\n"))
}
