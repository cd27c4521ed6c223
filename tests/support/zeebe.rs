//! A real Zeebe broker with its Elasticsearch exporter, driven by the `zbctl` that comes with it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    engine::{
        Engine, ports,
        process::{Group, Watcher},
    },
    grpc::{self, Field},
    not_run::NotRun,
};

const PATIENCE: Duration = Duration::from_secs(180);

/// A process that waits at an exclusive gateway for `amount`: without it, each instance raises an incident.
const ORDER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="d" targetNamespace="urn:order">
  <process id="order" isExecutable="true">
    <startEvent id="start"><outgoing>f1</outgoing></startEvent>
    <exclusiveGateway id="paid" default="f3"><incoming>f1</incoming><outgoing>f2</outgoing><outgoing>f3</outgoing></exclusiveGateway>
    <endEvent id="end"><incoming>f2</incoming></endEvent>
    <endEvent id="other"><incoming>f3</incoming></endEvent>
    <sequenceFlow id="f1" sourceRef="start" targetRef="paid"/>
    <sequenceFlow id="f2" sourceRef="paid" targetRef="end"><conditionExpression xsi:type="tFormalExpression">=amount &gt; 10</conditionExpression></sequenceFlow>
    <sequenceFlow id="f3" sourceRef="paid" targetRef="other"/>
  </process>
</definitions>"#;

/// A process of one task that waits for a worker.
fn one_task(process: &str, task: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" targetNamespace="urn:{process}">
  <process id="{process}" isExecutable="true">
    <startEvent id="start"><outgoing>f1</outgoing></startEvent>
    <serviceTask id="{task}">
      <extensionElements><zeebe:taskDefinition type="{process}" /></extensionElements>
      <incoming>f1</incoming><outgoing>f2</outgoing>
    </serviceTask>
    <endEvent id="end"><incoming>f2</incoming></endEvent>
    <sequenceFlow id="f1" sourceRef="start" targetRef="{task}"/>
    <sequenceFlow id="f2" sourceRef="{task}" targetRef="end"/>
  </process>
</definitions>"#
    )
}

/// A running broker; it ends with the value.
pub struct Zeebe {
    home: PathBuf,
    address: String,
    broker: Option<Group>,
    folder: PathBuf,
    _watcher: Watcher,
}

impl Zeebe {
    /// Ready, with the process `order` deployed; what happens in it goes to `engine`.
    pub async fn start(engine: &Engine) -> Result<Zeebe, NotRun> {
        let (home, java) = (fetched("zeebe-8.5.8")?, fetched("--jdk21")?);
        let folder = tempfile::Builder::new().prefix("highwater-zeebe-").tempdir().expect("a folder").keep();
        let (gateway, monitoring) = (ports::http(), ports::http());
        let settings = json!({
            "zeebe": { "broker": {
                "network": {
                    "host": "127.0.0.1",
                    "commandApi": { "port": ports::transport() },
                    "internalApi": { "port": ports::transport() },
                },
                "gateway": { "enable": true, "network": { "host": "127.0.0.1", "port": gateway } },
                "data": { "directory": folder.join("data"), "disk": { "enableMonitoring": false } },
                "exporters": { "elasticsearch": {
                    "className": "io.camunda.zeebe.exporter.ElasticsearchExporter",
                    "args": {
                        "url": engine.url(0),
                        "bulk": { "delay": 1, "size": 10 },
                        "index": { "prefix": "zeebe-record", "createTemplate": true },
                    },
                } },
            } },
            "server": { "port": monitoring, "address": "127.0.0.1" },
        });
        fs::write(folder.join("application.yml"), settings.to_string()).expect("settings");
        fs::write(folder.join("order.bpmn"), ORDER).expect("a process");
        let options = format!(
            "-Xmx256m -XX:TieredStopAtLevel=1 -Dspring.config.additional-location=file:{}",
            folder.join("application.yml").display()
        );
        let environment = [("JAVA_HOME", java.display().to_string()), ("JAVA_OPTS", options)];
        let watcher = Watcher::of_engine(&folder);
        let broker = Group::spawn(&folder, &[home.join("bin/broker").display().to_string()], &environment);
        let address = format!("127.0.0.1:{gateway}");
        let zeebe = Zeebe { home, address, broker: Some(broker), folder, _watcher: watcher };
        zeebe.deploy().await;
        Ok(zeebe)
    }

    async fn deploy(&self) {
        let deadline = Instant::now() + PATIENCE;
        let order = self.folder.join("order.bpmn").display().to_string();
        while let Err(said) = self.zbctl(&["deploy", "resource", &order]) {
            assert!(Instant::now() < deadline, "{said}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("out.log")).unwrap_or_default()
    }

    /// The answer, or what was said in place of one.
    fn zbctl(&self, args: &[&str]) -> Result<Value, String> {
        let mut command = Command::new(self.home.join("bin/zbctl"));
        command.args(["--insecure", "--address", &self.address]).args(args).stdin(Stdio::null());
        let output = command.env("HOME", &self.folder).output().expect("zbctl starts");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap_or_default())
    }

    /// A new order without an amount; the key of its instance.
    pub fn order(&self) -> i64 {
        self.begin("order")
    }

    /// The key of a new instance.
    pub fn begin(&self, process: &str) -> i64 {
        key(&self.zbctl(&["create", "instance", process]).expect("an instance")["processInstanceKey"])
    }

    /// Deploys a process of one task of that name; the key of its definition.
    pub fn deploy_task(&self, process: &str, task: &str) -> i64 {
        let file = self.folder.join(format!("{process}-{task}.bpmn"));
        fs::write(&file, one_task(process, task)).expect("a process");
        let answer = self.zbctl(&["deploy", "resource", &file.display().to_string()]).expect("a deployment");
        key(&answer["deployments"][0]["process"]["processDefinitionKey"])
    }

    /// The one task of this process that waits fails, and is not tried again: an incident.
    pub fn fail_task(&self, process: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let jobs = self.zbctl(&["activate", "jobs", process]).expect("jobs");
            if jobs["jobs"][0].is_object() {
                let job = key(&jobs["jobs"][0]["key"]).to_string();
                let why = ["--retries", "0", "--errorMessage", "the van is full"];
                self.zbctl(&[&["fail", "job", &job][..], &why].concat()).expect("a failed job");
                return;
            }
            assert!(Instant::now() < deadline, "{}", self.log());
        }
    }

    /// An instance goes on as one of another process, its element `from` as `to`.
    pub async fn migrate(&self, instance: i64, definition: i64, (from, to): (&str, &str)) {
        let mapping = [(1, Field::Text(from)), (2, Field::Text(to))];
        let plan = [(1, Field::Number(definition)), (2, Field::Message(&mapping))];
        let wanted = [(1, Field::Number(instance)), (2, Field::Message(&plan))];
        let method = "gateway_protocol.Gateway/MigrateProcessInstance";
        grpc::call(&self.address, method, &wanted).await.expect("a migrated instance");
    }

    pub fn set_amount(&self, instance: i64) {
        let variables = ["set", "variables", &instance.to_string(), "--variables", "{\"amount\":20}"];
        self.zbctl(&variables).expect("variables");
    }

    pub fn resolve(&self, incident: i64) {
        self.zbctl(&["resolve", "incident", &incident.to_string()]).expect("a resolved incident");
    }

    pub fn cancel(&self, instance: i64) {
        self.zbctl(&["cancel", "instance", &instance.to_string()]).expect("a cancelled instance");
    }

    /// The broker ends, and with it its exporter.
    pub fn kill(&mut self) {
        if let Some(broker) = self.broker.take() {
            broker.kill();
        }
    }
}

impl Drop for Zeebe {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `zbctl` writes keys as numbers or as text.
fn key(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).expect("a key")
}

fn fetched(what: &str) -> Result<PathBuf, NotRun> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/fetch-engine");
    let output = Command::new(script).arg(what).stdin(Stdio::null()).output();
    let output = output.map_err(|error| NotRun::Missing(format!("scripts/fetch-engine: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(NotRun::Missing(said.lines().last().unwrap_or("no Zeebe").to_owned()));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
