//! What a running daemon answers at its address.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    LOG, Place,
    double::{self, Mood},
    ratio, said,
};

/// A daemon on a free port; it ends with the test.
struct Daemon {
    child: Child,
    address: String,
}

impl Daemon {
    fn start(place: &Place) -> Self {
        let mut command = place.command(&["run", "--set", "server.listen=127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let address = log.lines().map_while(Result::ok).find_map(|line| {
            let rest = line.split_once("address=")?.1;
            Some(rest.split_whitespace().next()?.to_owned())
        });
        Self { child, address: address.expect("the log says the address") }
    }

    /// Status and everything after the headers.
    fn get(&self, path: &str, header: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase(), body.to_owned())
    }

    fn wait_for(&self, path: &str, words: &str) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let (_, _, body) = self.get(path, "");
            if body.contains(words) || Instant::now() > end {
                return body;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn place() -> Place {
    let rules = ratio("r0", "hot-60-of-100", "keep");
    Place::new(&double::start(Mood::Well), &format!("rules:\n{rules}"), LOG)
}

#[test]
fn health_readiness_and_metrics_are_answered() {
    let place = place();
    let daemon = Daemon::start(&place);
    assert_eq!(daemon.get("/healthz", "").0, 200);
    let (status, head, body) = daemon.get("/readyz", "");
    let ready: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &ready["ready"]), (200, &true.into()), "{ready}");
    assert!(head.contains("application/json"), "{head}");
    assert_eq!(ready["store"]["ok"], true);
    let metrics =
        daemon.wait_for("/metrics", "highwater_alerts{rule=\"r0\",level=\"critical\",state=\"firing\"} 1");
    assert!(metrics.contains("highwater_evaluations_total{rule=\"r0\""), "{metrics}");
    assert!(
        metrics.contains("highwater_alerts{rule=\"r0\",level=\"critical\",state=\"firing\"} 1"),
        "{metrics}"
    );
    assert!(metrics.contains("highwater_outbox_rows{sink=\"log\"}"), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    assert!(daemon.get("/metrics", "").1.contains("application/openmetrics-text; version=1.0.0"));
    assert_eq!(daemon.get("/nothing", "").0, 404);
}

#[test]
fn what_is_too_heavy_is_refused() {
    let place = place();
    let daemon = Daemon::start(&place);
    let heavy = format!("X-Heavy: {}\r\n", "x".repeat(9000));
    assert_eq!(daemon.get("/healthz", &heavy).0, 431);
    assert_eq!(daemon.get("/healthz", "Content-Length: 5000\r\n").0, 413);
}

#[test]
fn a_port_in_use_ends_with_74_and_says_what_to_do() {
    let place = place();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("server.listen={}", taken.local_addr().unwrap());
    let said = said(place.command(&["run", "--set", &listen]).output().unwrap());
    assert_eq!(said.code, 74, "{said:?}");
    assert!(
        said.err.contains("cannot listen on") && said.err.contains("port 0 takes a free one"),
        "{said:?}"
    );
}

#[test]
fn a_second_daemon_on_one_store_is_refused_and_others_work_beside_it() {
    let place = place();
    let daemon = Daemon::start(&place);
    let second = place.run(&["run", "--set", "server.listen=127.0.0.1:0"]);
    assert_eq!(second.code, 74, "{second:?}");
    assert!(second.err.contains("in use by another daemon"), "{second:?}");
    daemon.wait_for("/metrics", "state=\"firing\"} 1");
    let alerts = place.run(&["alerts"]);
    assert!(alerts.code == 0 && alerts.out.contains("1 critical"), "{alerts:?}");
    assert_eq!(place.run(&["check", "r0"]).code, 2);
    assert_eq!(place.run(&["mute", "r0", "--for", "1h", "--reason", "x"]).code, 0);
}
