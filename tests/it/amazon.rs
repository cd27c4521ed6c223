//! CloudWatch and Amazon OpenSearch: who we are is found wherever Amazon's own tools would find it, and every request is
//! signed as a service would check it. The services are doubles on loopback, one of them moto.

use std::{
    fs,
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    daemon::Home,
    double::{Counted, Double},
    moto::Moto,
    not_run::or_not_run,
    sigv4::{self, Signed},
    wire::{Act, Seen, Wire, answer, json as reply},
};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "session/token+of==a=role";

fn settings(logs: &str) -> Value {
    json!({
        "clusters": { "main": { "urls": ["http://127.0.0.1:1"] } },
        "rules": ["rules"],
        "sinks": {
            "logs": { "cloudwatch_logs": { "region": "eu-west-1", "log_group": "g", "log_stream": "s", "endpoint_url": logs } },
            "metrics": { "cloudwatch_metrics": { "region": "eu-north-1", "namespace": "hw", "endpoint_url": logs } },
        },
    })
}

/// A home whose only way to credentials is what is added to it; it looks at no metadata address but a given one.
fn home(service: &str) -> Home {
    Home::new(&settings(service), "rules: []").env("AWS_EC2_METADATA_DISABLED", "true")
}

fn taking() -> Wire {
    Wire::start(|_, _| Act::Write(reply(200, &json!({}))))
}

fn test(home: &Home, sink: &str) -> Output {
    home.command(&["sinks", "test", sink]).output().expect("the program starts")
}

/// `sinks test` with these credentials: both of its messages arrive, and are signed so.
fn arrives_signed(home: &Home, service: &Wire, access_key: &str, token: &str) {
    let output = test(home, "logs");
    assert!(output.status.success(), "{output:?}");
    let seen = service.seen();
    assert_eq!(seen.len(), 2, "fired and resolved");
    for seen in seen {
        let signed = sigv4::check(&seen, SECRET).unwrap();
        assert_eq!(signed.access_key, access_key);
        assert_eq!((signed.region.as_str(), signed.service.as_str()), ("eu-west-1", "logs"));
        assert_eq!(seen.header("x-amz-security-token"), token);
        for covered in ["content-type", "host", "x-amz-date", "x-amz-target"] {
            assert!(signed.headers.iter().any(|name| name == covered), "{signed:?}");
        }
        assert_eq!(signed.headers.iter().any(|name| name == "x-amz-security-token"), !token.is_empty());
    }
}

#[test]
fn credentials_come_from_the_environment() {
    let service = taking();
    let home = home(&service.url()).env("AWS_ACCESS_KEY_ID", "AKENV").env("AWS_SECRET_ACCESS_KEY", SECRET);
    arrives_signed(&home, &service, "AKENV", "");
    let output = test(&home, "metrics");
    assert!(output.status.success(), "{output:?}");
    let put = &service.seen()[2];
    let signed = sigv4::check(put, SECRET).unwrap();
    assert_eq!((signed.region.as_str(), signed.service.as_str()), ("eu-north-1", "monitoring"));
    assert!(put.body.starts_with("Action=PutMetricData&Version=2010-08-01&Namespace=hw&"), "{}", put.body);
}

#[test]
fn credentials_come_from_a_profile() {
    let service = taking();
    let home = home(&service.url());
    let file = home.path("credentials");
    let profile = format!(
        "[default]\naws_access_key_id = AKOTHER\naws_secret_access_key = x\n[search]\naws_access_key_id = AKPROFILE\naws_secret_access_key = {SECRET}\naws_session_token = {TOKEN}\n"
    );
    fs::write(&file, profile).unwrap();
    let home =
        home.env("AWS_SHARED_CREDENTIALS_FILE", &file.display().to_string()).env("AWS_PROFILE", "search");
    arrives_signed(&home, &service, "AKPROFILE", TOKEN);
}

#[test]
fn credentials_come_from_a_web_identity() {
    let service = taking();
    let exchange = Wire::start(|seen, _| {
        let role = seen.body.contains("Action=AssumeRoleWithWebIdentity")
            && seen.body.contains("the-pods-own-token");
        let status = if role { 200 } else { 400 };
        let body = format!(
            "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKROLE</AccessKeyId>\
             <SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{TOKEN}</SessionToken>\
             <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
             </AssumeRoleWithWebIdentityResponse>"
        );
        Act::Write(answer(status, &[("content-type", "text/xml")], body.as_bytes()))
    });
    let home = home(&service.url());
    let file = home.path("token");
    fs::write(&file, "the-pods-own-token").unwrap();
    let home = home
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", &file.display().to_string())
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/highwater")
        .env("AWS_ENDPOINT_URL_STS", &exchange.url());
    arrives_signed(&home, &service, "AKROLE", TOKEN);
    assert_eq!(exchange.seen().len(), 1, "what was found is kept");
}

fn from_metadata(access_key: &str) -> Value {
    json!({
        "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": access_key, "SecretAccessKey": SECRET, "Token": TOKEN,
        "Expiration": "2099-01-01T00:00:00Z", "LastUpdated": "2026-01-01T00:00:00Z",
    })
}

#[test]
fn credentials_come_from_the_container() {
    let service = taking();
    let container = Wire::start(|seen, _| {
        let known = seen.target == "/role" && seen.header("authorization") == "of-this-task";
        Act::Write(reply(if known { 200 } else { 403 }, &from_metadata("AKTASK")))
    });
    let home = home(&service.url())
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{}/role", container.url()))
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "of-this-task");
    arrives_signed(&home, &service, "AKTASK", TOKEN);
}

/// A machine's metadata service of the second kind: it answers only who shows a token that was fetched by `PUT`.
fn machine() -> Wire {
    Wire::start(|seen, _| {
        let plain = |text: &str| {
            Act::Write(answer(200, &[("x-aws-ec2-metadata-token-ttl-seconds", "21600")], text.as_bytes()))
        };
        let shown = seen.header("x-aws-ec2-metadata-token") == "of-this-machine";
        match (seen.method.as_str(), seen.target.trim_end_matches('/')) {
            ("PUT", "/latest/api/token") => plain("of-this-machine"),
            ("GET", "/latest/meta-data/iam/security-credentials") if shown => plain("watcher"),
            ("GET", "/latest/meta-data/iam/security-credentials/watcher") if shown => {
                Act::Write(reply(200, &from_metadata("AKMACHINE")))
            }
            (_, _) if shown => Act::Write(answer(404, &[], b"")),
            (_, _) => Act::Write(answer(401, &[], b"")),
        }
    })
}

#[test]
fn credentials_come_from_the_machine() {
    let (service, machine) = (taking(), machine());
    let home = Home::new(&settings(&service.url()), "rules: []")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &machine.url());
    arrives_signed(&home, &service, "AKMACHINE", TOKEN);
    assert_eq!(machine.count("/latest/api/token"), 1, "the second kind is asked, and once");
}

#[test]
fn without_credentials_nothing_is_sent_and_somebody_is_told_what_to_do() {
    let service = taking();
    let output = test(&home(&service.url()), "logs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("misconfigured") && said.contains("no AWS credentials were found"), "{said}");
    assert!(said.contains("set `AWS_ACCESS_KEY_ID`"), "{said}");
    assert_eq!(service.seen().len(), 0);
}

#[test]
fn a_role_that_may_not_be_taken_is_told_and_trouble_on_the_way_passes() {
    let error = |code: &str| {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
        )
    };
    for (status, code, words) in
        [(403, "AccessDenied", "cannot be used"), (503, "ServiceUnavailable", "could not be fetched")]
    {
        let body = error(code);
        let exchange = Wire::start(move |_, _| {
            Act::Write(answer(status, &[("content-type", "text/xml")], body.as_bytes()))
        });
        let home = home("http://127.0.0.1:1");
        fs::write(home.path("token"), "t").unwrap();
        let home = home
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", "token")
            .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/highwater")
            .env("AWS_ENDPOINT_URL_STS", &exchange.url());
        let output = test(&home, "logs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(words), "{said}");
        assert_eq!(said.contains("misconfigured"), code == "AccessDenied", "{said}");
    }
}

/// A domain that is green, and has no documents that we may search.
fn domain() -> Wire {
    Wire::start(|seen, _| {
        let green = json!({
            "cluster_name": "domain", "status": "green", "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1,
            "active_primary_shards": 1, "active_shards": 1, "relocating_shards": 0, "initializing_shards": 0,
            "unassigned_shards": 0, "delayed_unassigned_shards": 0, "number_of_pending_tasks": 0,
            "number_of_in_flight_fetch": 0, "task_max_waiting_in_queue_millis": 0, "active_shards_percent_as_number": 100.0, "indices": {},
        });
        let health = seen.target.starts_with("/prefix/_cluster/health");
        let refused =
            json!({ "error": { "type": "security_exception", "reason": "no permissions" }, "status": 403 });
        Act::Write(reply(if health { 200 } else { 403 }, if health { &green } else { &refused }))
    })
}

const LOOKS: &str = r#"
rules:
  - { id: health, check: { cluster_health: {} }, schedule: every 1m, levels: { warning: yellow } }
  - { id: errors, check: { ratio: { index: "logs-*,<metrics-{now/d}>", window: 1m, numerator: "status:500" } }, schedule: every 1m, no_data: keep, levels: { warning: above 5% } }
"#;

fn looks_signed(service: Option<&str>) -> Vec<(Seen, Signed)> {
    let domain = domain();
    let mut auth = json!({ "aws": { "region": "eu-west-1" } });
    if let Some(service) = service {
        auth["aws"]["service"] = service.into();
    }
    let settings = json!({
        "clusters": { "main": { "urls": [format!("{}/prefix", domain.url())], "auth": auth } },
        "rules": ["rules"],
    });
    let home = Home::new(&settings, LOOKS)
        .env("AWS_ACCESS_KEY_ID", "AKENV")
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_SESSION_TOKEN", TOKEN);
    let checked = home.check(&[]);
    assert_eq!(checked.outcome("health"), "complete", "{}", checked.report);
    assert!(checked.reason("errors").contains("no permissions"), "{}", checked.report);
    let seen = domain.seen();
    seen.into_iter().map(|seen| (seen.clone(), sigv4::check(&seen, SECRET).unwrap())).collect()
}

#[test]
fn every_look_at_an_opensearch_domain_is_signed() {
    let signed = looks_signed(None);
    let methods: Vec<&str> = signed.iter().map(|(seen, _)| seen.method.as_str()).collect();
    assert!(methods.contains(&"GET") && methods.contains(&"POST"), "{methods:?}");
    for (seen, signed) in signed {
        assert_eq!((signed.region.as_str(), signed.service.as_str()), ("eu-west-1", "es"));
        assert_eq!(seen.header("x-amz-security-token"), TOKEN);
        assert_eq!(seen.header("x-amz-content-sha256"), "");
    }
}

#[test]
fn a_serverless_collection_is_told_the_bodys_hash_too() {
    for (seen, signed) in looks_signed(Some("aoss")) {
        assert_eq!(signed.service, "aoss");
        assert_eq!(seen.header("x-amz-content-sha256").len(), 64);
        assert!(signed.headers.iter().any(|name| name == "x-amz-content-sha256"));
    }
}

#[test]
fn mistakes_about_amazon_are_told_with_their_place() {
    let settings = json!({
        "clusters": { "main": { "urls": ["http://127.0.0.1:1"], "auth": { "aws": { "region": "Ireland", "service": "s3" } } } },
        "rules": ["rules"],
    });
    let output = Home::new(&settings, "rules: []").command(&["validate"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78));
    assert!(said.contains("`Ireland` is no region") && said.contains("`s3` is no service"), "{said}");
}

const FLAP: &str = r#"
rules:
  - { id: flap, summary: Too many errors, check: { ratio: { index: a, window: 1s, numerator: bad, per: [service] } }, schedule: every 1s, query_delay: 0s, no_data: keep, levels: { critical: above 50% } }
"#;

async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The events of the stream, as their JSON.
async fn events(moto: &Moto) -> Vec<Value> {
    let asked = json!({ "logGroupName": "g", "logStreamName": "s", "startFromHead": true });
    let (_, told) = moto.logs("GetLogEvents", &asked).await;
    let events = told["events"].as_array().cloned().unwrap_or_default();
    events.iter().map(|event| serde_json::from_str(event["message"].as_str().unwrap()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_are_read_back_from_cloudwatch() {
    let Some(moto) = or_not_run(Moto::start().await) else { return };
    let calm = Arc::new(AtomicBool::new(false));
    let is_calm = calm.clone();
    let cluster = Double::start(move |_| {
        let bad = if is_calm.load(Ordering::Relaxed) { 0 } else { 9 };
        vec![Counted::new("checkout", bad, 10)]
    });
    let cluster = cluster.await;
    let mut settings = settings(&moto.url);
    settings["sinks"]["metrics"]["cloudwatch_metrics"]["region"] = "eu-west-1".into();
    settings["clusters"]["main"]["urls"] = json!([cluster.url]);
    settings["defaults"] = json!({ "notify": ["logs", "metrics"] });
    settings["server"] = json!({ "listen": "127.0.0.1:0" });
    settings["telemetry"] = json!({ "format": "json" });
    let home = Home::new(&settings, FLAP).env("AWS_ACCESS_KEY_ID", "AK").env("AWS_SECRET_ACCESS_KEY", SECRET);

    let output = test(&home, "logs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("make the log group `g`"), "a group is never made: {said}");
    assert_eq!(moto.logs("CreateLogGroup", &json!({ "logGroupName": "g" })).await.0, 200);

    let daemon = home.start().await;
    until("the alert", || async { (!events(&moto).await.is_empty()).then_some(()) }).await;
    calm.store(true, Ordering::Relaxed);
    let told =
        until("the recovery", || async { Some(events(&moto).await).filter(|told| told.len() >= 2) }).await;
    let words = |event: &Value| format!("{} {} {}", event["rule"], event["kind"], event["entity"]["service"]);
    assert_eq!(words(&told[0]), r#""flap" "fired" "checkout""#);
    assert_eq!(words(&told[1]), r#""flap" "resolved" "checkout""#);
    assert!(told[0]["message"].as_str().unwrap().starts_with("CRITICAL: Too many errors"), "{}", told[0]);
    assert_ne!(told[0]["event_id"], told[1]["event_id"]);

    let form = "Action=GetMetricStatistics&Namespace=hw&MetricName=alert_level&Period=60&Statistics.member.1=Maximum\
                &Statistics.member.2=Minimum&StartTime=2020-01-01T00:00:00Z&EndTime=2099-01-01T00:00:00Z\
                &Dimensions.member.1.Name=rule&Dimensions.member.1.Value=flap\
                &Dimensions.member.2.Name=cluster&Dimensions.member.2.Value=main\
                &Dimensions.member.3.Name=service&Dimensions.member.3.Value=checkout";
    let levels = until("both levels", || async {
        let page = moto.metrics(form).await;
        (page.contains("<Maximum>3.0") && page.contains("<Minimum>0.0")).then_some(page)
    });
    levels.await;
    let list = moto.metrics("Action=ListMetrics&Namespace=hw").await;
    assert!(list.contains("<MetricName>value</MetricName>"), "{list}");
    assert_eq!(daemon.stop().await, 0);
}
