//! Readings as metrics, from the real program: to StatsD, to CloudWatch, and on its own page.

use std::{
    net::UdpSocket,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{
    daemon::Home,
    double::{Counted, Double},
    wire::{Act, Wire, json as reply},
};

const SOON: Duration = Duration::from_secs(60);

/// Everything that came in until `what` did.
fn datagrams_until(socket: &UdpSocket, what: &str) -> String {
    let (mut all, mut bytes, deadline) = (String::new(), [0; 2048], Instant::now() + SOON);
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    while !all.contains(what) {
        assert!(Instant::now() < deadline, "no `{what}` in {all}");
        if let Ok(length) = socket.recv(&mut bytes) {
            all.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
            all.push('\n');
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_that_breach_nothing_are_published_after_every_look() {
    let double = Double::start(|_| vec![Counted::new("shop", 5, 100), Counted::new("pay", 1, 100)]).await;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let cloud = Wire::start(|_, _| Act::Write(reply(200, &json!({}))));
    let settings = json!({
        "clusters": { "main": { "urls": [double.url] } },
        "rules": ["rules"],
        "sinks": {
            "stats": { "statsd": { "address": socket.local_addr().unwrap().to_string() } },
            "cloud": { "cloudwatch_metrics": { "region": "eu-west-1", "endpoint_url": cloud.url() } },
            "hook": { "stdout": {} },
        },
        "defaults": { "notify": ["hook"], "no_data": "keep", "query_delay": "0s" },
        "server": { "listen": "127.0.0.1:0" },
        "telemetry": { "level": "warn,highwater::cli=info", "format": "json" },
    });
    let ratio = json!({ "index": "logs", "window": "1m", "numerator": "bad", "per": ["service"] });
    let rule = json!({
        "id": "errors", "check": { "ratio": ratio }, "schedule": "every 1s", "levels": { "warning": "above 50%" },
        "publish": ["stats", "cloud", "/metrics"],
    });
    let home = Home::new(&settings, &json!({ "rules": [rule] }).to_string())
        .env("AWS_ACCESS_KEY_ID", "AK")
        .env("AWS_SECRET_ACCESS_KEY", "SK");
    let daemon = home.start().await;
    let all = datagrams_until(&socket, "highwater.reading.errors.main.pay:1|g");
    assert!(all.contains("highwater.reading.errors.main.shop:5|g"), "{all}");
    assert!(!all.contains("alerts_told"), "nothing was told: {all}");
    let deadline = Instant::now() + SOON;
    while cloud.count("") == 0 {
        assert!(Instant::now() < deadline, "nothing came to CloudWatch");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let put = &cloud.seen()[0].body;
    for field in ["MetricName=alert_level", "Value=0.0", "MetricName=value", "Value=5.0", "Unit=Percent"] {
        assert!(put.contains(field), "{field} in {put}");
    }
    let shop = daemon.metric("highwater_reading", &["rule=\"errors\"", "service=\"shop\""]).await;
    assert!((shop - 5.0).abs() < f64::EPSILON, "{shop}");
    assert_eq!(daemon.stop().await, 0);
}
