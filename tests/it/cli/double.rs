//! Somebody who answers like Elasticsearch, by a script that stands in the names of the indices.
//!
//! `hot-12-of-100` has 100 documents, 12 of which match; `partial` lost a shard; `slow` timed out; `missing` is not there.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use serde_json::{Value, json};

/// How it is today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// 401 to everything.
    Refusing,
    /// A login page to everything.
    Html,
}

/// Where it listens. It ends with the test's process.
pub fn start(mood: Mood) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || talk(&stream, mood));
        }
    });
    url
}

/// An address where nobody listens.
pub fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn talk(stream: &TcpStream, mood: Mood) {
    let mut from = BufReader::new(stream.try_clone().unwrap());
    while let Some((path, body)) = hear(&mut from) {
        let (status, kind, text) = match mood {
            Mood::Well => (200, "application/json", answer(&path, &body).to_string()),
            Mood::Refusing => (401, "application/json", json!({ "error": { "type": "security_exception", "reason": "missing authentication" }, "status": 401 }).to_string()),
            Mood::Html => (200, "text/html", "<html>Log in</html>".to_owned()),
        };
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", text.len());
        let mut to = stream;
        if to.write_all(head.as_bytes()).and_then(|()| to.write_all(text.as_bytes())).is_err() {
            return;
        }
    }
}

/// Path and body of the next request.
pub fn hear(from: &mut impl BufRead) -> Option<(String, String)> {
    let mut line = String::new();
    from.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        from.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    Some((path, String::from_utf8(body).ok()?))
}

fn answer(path: &str, body: &str) -> Value {
    let path = path.split('?').next().unwrap();
    if path.ends_with("/_field_caps") {
        return json!({ "indices": ["a"], "fields": { "@timestamp": { "date": { "type": "date" } } } });
    }
    if path == "/_msearch" {
        let items: Vec<Value> = body
            .lines()
            .step_by(2)
            .map(|header| {
                let header: Value = serde_json::from_str(header).unwrap();
                found(header["index"].as_str().unwrap())
            })
            .collect();
        return json!({ "took": 1, "responses": items });
    }
    json!({
        "cluster_name": "double", "status": "green", "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1,
        "active_primary_shards": 1, "active_shards": 1, "relocating_shards": 0, "initializing_shards": 0,
        "unassigned_shards": 0, "indices": {},
    })
}

fn found(index: &str) -> Value {
    if index == "missing" {
        return json!({ "error": { "type": "index_not_found_exception", "reason": "no such index [missing]" }, "status": 404 });
    }
    let numbers: Vec<u64> = index.split('-').filter_map(|part| part.parse().ok()).collect();
    let (matching, total) = match numbers[..] {
        [matching, total] => (matching, total),
        _ => (0, 1000),
    };
    let failed = u64::from(index == "partial");
    let failures = json!([{ "shard": 0, "index": "partial", "reason": { "type": "no_shard_available_action_exception", "reason": "gone" } }]);
    let mut item = json!({
        "took": 1, "timed_out": index == "slow", "status": 200,
        "_shards": { "total": 2, "successful": 2 - failed, "skipped": 0, "failed": failed },
        "hits": { "total": { "value": total, "relation": "eq" }, "max_score": null, "hits": [] },
        "aggregations": { "c0": { "doc_count": matching } },
    });
    if failed > 0 {
        item["_shards"]["failures"] = failures;
    }
    item
}
