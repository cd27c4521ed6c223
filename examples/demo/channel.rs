//! A little Slack: takes what the `slack` sink sends, and shows it as a channel would.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{Json, Router, extract::State, routing::post};
use serde_json::Value;
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

use crate::paint::{WIDTH, bold, dim, in_colour, wrapped};

/// The channel. It is gone when dropped.
#[derive(Debug)]
pub struct Channel {
    pub url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The plain text of every message, in the order of their arrival.
    texts: Mutex<Vec<String>>,
    arrived: Notify,
}

impl Channel {
    pub async fn open() -> Channel {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let app = Router::new().route("/services/demo", post(receive)).with_state(shared.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.expect("a receiver") });
        Channel { url: format!("http://{address}/services/demo"), shared, serving }
    }

    /// Waits until somebody has said all of `words` in one message.
    pub async fn hears(&self, words: &[&str]) {
        loop {
            let arrived = self.shared.arrived.notified();
            let said = |text: &String| words.iter().all(|word| text.contains(word));
            if self.texts().iter().any(said) {
                return;
            }
            arrived.await;
        }
    }

    pub fn texts(&self) -> Vec<String> {
        self.shared.texts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn receive(State(shared): State<Arc<Shared>>, Json(message): Json<Value>) -> &'static str {
    show(&message);
    let text = message["text"].as_str().unwrap_or_default().to_owned();
    shared.texts.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    shared.arrived.notify_waiters();
    "ok"
}

/// Printed in one piece: other lines may come at the same time.
fn show(message: &Value) {
    let now = chrono::Local::now().format("%H:%M:%S");
    let mut shown = vec![format!("{} {}", bold("highwater"), dim(format!("app  {now}  #alerts")))];
    let colour = message["attachments"][0]["color"].as_str().unwrap_or_default();
    for (n, line) in unescaped(message["text"].as_str().unwrap_or_default()).lines().enumerate() {
        let line = line.trim_matches('*');
        for part in wrapped(line, WIDTH - 2) {
            shown.push(if n == 0 { in_colour(colour, bold(part)) } else { part });
        }
    }
    for attachment in message["attachments"].as_array().into_iter().flatten() {
        let bar = in_colour(attachment["color"].as_str().unwrap_or_default(), "┃");
        for line in attachment["blocks"].as_array().into_iter().flatten().flat_map(lines) {
            shown.push(format!("{bar} {line}"));
        }
    }
    let text: String = shown.iter().map(|line| format!("\n  {}", line.trim_end())).collect();
    println!("{text}");
}

/// One block, as lines.
fn lines(block: &Value) -> Vec<String> {
    let fields = texts(block["fields"].as_array());
    if !fields.is_empty() {
        return in_columns(&fields);
    }
    let context = texts(block["elements"].as_array());
    if !context.is_empty() {
        return context.iter().map(dim).collect();
    }
    let text = unescaped(block["text"]["text"].as_str().unwrap_or_default());
    text.lines().flat_map(paragraph).collect()
}

fn texts(of: Option<&Vec<Value>>) -> Vec<String> {
    of.into_iter().flatten().map(|one| unescaped(one["text"].as_str().unwrap_or_default())).collect()
}

/// `*Cause*: …` with its first words bold, and the lines below indented under them.
fn paragraph(text: &str) -> Vec<String> {
    let (name, rest) = match text.strip_prefix('*').and_then(|text| text.split_once("*: ")) {
        Some((name, rest)) => (format!("{name:<9} "), rest),
        None => (String::new(), text),
    };
    let indent = name.chars().count();
    let lines = wrapped(rest, WIDTH - 4 - indent);
    let first = |n: usize| if n == 0 { bold(&name) } else { " ".repeat(indent) };
    lines.iter().enumerate().map(|(n, line)| format!("{}{}", first(n), emphasised(line))).collect()
}

/// What stands between two stars is bold.
fn emphasised(line: &str) -> String {
    let parts: Vec<&str> = line.split('*').collect();
    if parts.len().is_multiple_of(2) {
        return line.to_owned();
    }
    parts
        .iter()
        .enumerate()
        .map(|(n, part)| if n % 2 == 1 { bold(part) } else { (*part).to_owned() })
        .collect()
}

/// Four fields beside each other: their names, and their values below.
fn in_columns(fields: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    let pairs: Vec<(&str, &str)> = fields.iter().map(|field| pair(field)).collect();
    for row in pairs.chunks(4) {
        let widths: Vec<usize> =
            row.iter().map(|(name, value)| cells(name).max(cells(value)).max(20)).collect();
        let padded =
            |text: &str, width: usize| format!("{text}{}", " ".repeat(width.saturating_sub(cells(text)) + 2));
        let names = row.iter().zip(&widths).map(|((name, _), width)| dim(padded(name, *width)));
        let values = row.iter().zip(&widths).map(|((_, value), width)| padded(value, *width));
        lines.push(names.collect::<String>());
        lines.push(values.collect::<String>());
    }
    lines
}

fn pair(field: &str) -> (&str, &str) {
    let (name, value) = field.split_once('\n').unwrap_or((field, ""));
    (name.trim_matches('*'), value)
}

fn cells(text: &str) -> usize {
    text.chars().count()
}

/// Slack's three escapes, taken back.
fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
