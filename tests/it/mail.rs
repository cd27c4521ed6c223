//! Mail, end to end: the daemon, a real mail server with TLS and a password, and a parser that is not ours.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{
    daemon::Home,
    double::{Counted, Double},
    receiver::Receiver,
    smtp::{MailServer, PASSWORD, USER},
};

const SOON: Duration = Duration::from_secs(60);

const RULES: &str = r#"
rules:
  - { id: errors, summary: "Errors of <b>checkout</b>", check: { ratio: { index: a, window: 1s, numerator: bad } },
      schedule: every 1s, query_delay: 0s, no_data: keep, levels: { critical: above 50% }, runbook: "https://wiki.example/errors?a=1&b=2" }
"#;

/// A cluster that is bad until it is told to be well.
async fn cluster() -> (Double, Arc<AtomicBool>) {
    let well = Arc::new(AtomicBool::new(false));
    let is_well = well.clone();
    let script = move |_: &_| {
        let bad = if is_well.load(Ordering::Relaxed) { 0 } else { 1 };
        vec![Counted::new("checkout", bad, 1)]
    };
    (Double::start(script).await, well)
}

fn home(cluster: &Double, other: &Receiver, mail: &Value) -> Home {
    let settings = json!({
        "clusters": { "main": { "urls": [cluster.url] } },
        "rules": ["rules"],
        "sinks": { "mail": { "email": mail }, "other": { "webhook": { "url": other.url("/other") } } },
        "defaults": { "notify": ["mail", "other"] },
        "server": { "listen": "127.0.0.1:0" },
        "telemetry": { "format": "json" },
    });
    Home::new(&settings, RULES).env("SMTP_PASSWORD", PASSWORD).env("WRONG", "not it at all")
}

fn email(server: &MailServer, scheme: &str, password: &str) -> Value {
    let user = USER.replace('@', "%40");
    let query = if scheme == "smtp" { "?starttls=required" } else { "" };
    json!({
        "smtp": format!("{scheme}://{user}@127.0.0.1:{}{query}", server.port),
        "password": format!("${{env:{password}}}"),
        "from": "highwater <alerts@example.org>",
        "to": ["ops@example.org", "grey@example.org"],
        "ca": server.tls.ca.display().to_string(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fired_and_recovered_arrive_encrypted_as_one_thread_and_everybody_has_each_once() {
    let Some(server) = MailServer::start("starttls").await else { return };
    let (cluster, well) = cluster().await;
    let other = Receiver::start();
    let home = home(&cluster, &other, &email(&server, "smtp", "SMTP_PASSWORD"));
    let daemon = home.start().await;
    // `grey@` is greylisted once: to whom was taken at once, nothing is sent twice
    let fired = server.wait_for(2, SOON).await;
    well.store(true, Ordering::Relaxed);
    let all = server.wait_for(3, SOON).await;
    assert_eq!(daemon.stop().await, 0);
    assert_eq!(server.arrived().len(), 3);
    let (first, again, over) = (&fired[0], &fired[1], &all[2]);
    assert_eq!(first.0["to"], json!(["ops@example.org"]));
    assert_eq!(again.0["to"], json!(["grey@example.org"]));
    assert_eq!(over.0["to"], json!(["ops@example.org", "grey@example.org"]));
    for mail in [first, again, over] {
        assert_eq!((&mail.0["user"], &mail.0["encrypted"]), (&json!(USER), &json!(true)));
        assert_eq!(mail.0["defects"], json!([]));
        assert_eq!(mail.header("Subject"), "Errors of <b>checkout</b> (main)");
        assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
        assert_eq!(mail.header("To"), "ops@example.org, grey@example.org");
        assert!(mail.part("text/html").contains("Errors of &lt;b&gt;checkout&lt;/b&gt;"));
        assert!(mail.part("text/html").contains("href=\"https://wiki.example/errors?a=1&amp;b=2\""));
    }
    assert_eq!(
        (&first.0["headers"], &first.0["parts"]),
        (&again.0["headers"], &again.0["parts"]),
        "one message"
    );
    let root = first.header("Message-ID");
    assert!(root.starts_with('<') && root.ends_with("@example.org>"), "{root}");
    assert_eq!((over.header("In-Reply-To"), over.header("References")), (root, root));
    assert_ne!(over.header("Message-ID"), root);
    assert!(first.part("text/plain").starts_with("CRITICAL: "), "{}", first.part("text/plain"));
    assert!(over.part("text/plain").starts_with("RECOVERED: "), "{}", over.part("text/plain"));
    assert!(over.part("text/html").contains("#2eb67d"), "proven to be over is green");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_through_another_sink_and_the_mail_comes_when_it_is_right() {
    let Some(server) = MailServer::start("smtps").await else { return };
    let (cluster, _) = cluster().await;
    let other = Receiver::start();
    let settings = |password: &str| {
        let mut email = email(&server, "smtps", password);
        email["to"] = json!(["ops@example.org"]);
        home(&cluster, &other, &email)
    };
    let wrong = settings("WRONG");
    let daemon = wrong.start().await;
    other.wait_for_story("highwater-sink-misconfigured mail", &["fired critical"], SOON).await;
    let told = other.arrivals().iter().map(|arrival| arrival.body.to_string()).collect::<String>();
    assert!(told.contains("535") && !told.contains("not it at all"), "{told}");
    assert_eq!(server.arrived().len(), 0);
    let output = wrong.command(&["sinks", "test", "mail"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("misconfigured") && said.contains("535"), "{said}");
    assert_eq!(daemon.stop().await, 0);
    let right = settings("SMTP_PASSWORD");
    let output = right.command(&["sinks", "test", "mail"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let mails = server.wait_for(2, SOON).await;
    assert!(mails[0].header("Subject").starts_with("TEST: "));
    assert_eq!(mails[1].header("In-Reply-To"), mails[0].header("Message-ID"));
    let mut strange = email(&server, "smtps", "SMTP_PASSWORD");
    strange["ca"] = json!(server.tls.other_ca.display().to_string());
    let strange = home(&cluster, &other, &strange);
    let output = strange.command(&["sinks", "test", "mail"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && said.contains("certificate"), "a stranger's certificate: {said}");
    assert_eq!(server.arrived().len(), 2);
}
