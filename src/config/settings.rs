//! Settings as they were meant.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use chrono_tz::Tz;

use super::{Routing, place::Sources, rule_form::DefaultsForm};
use crate::{
    model::{secret::Secret, signing::Signing},
    sinks::Sink,
};

/// Everything but the rules.
#[derive(Clone, Debug)]
pub struct Settings {
    pub clusters: BTreeMap<String, Arc<Cluster>>,
    /// Files and folders.
    pub rules: Vec<PathBuf>,
    pub store: Store,
    pub sinks: BTreeMap<String, Arc<dyn Sink>>,
    pub routing: Routing,
    /// The kind of each, by its key.
    pub kinds: BTreeMap<String, &'static str>,
    pub defaults: RuleDefaults,
    /// Who hears of `highwater-*` alerts; empty: by the routes, or every sink where there are none. Never the one concerned.
    pub self_notify: Vec<String>,
    pub heartbeat: Option<Heartbeat>,
    pub canary: Option<Canary>,
    pub timezone: Tz,
    pub server: Server,
    pub telemetry: Telemetry,
    pub delivery: DeliverySettings,
    /// What single sinks are told in place of the rules' own words.
    pub texts: BTreeMap<String, SinkTexts>,
}

/// One watched cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub name: String,
    /// Each with scheme and host; a path prefix is kept.
    pub urls: Vec<String>,
    pub auth: Auth,
    pub tls: Tls,
    /// Total deadline of one request.
    pub timeout: Duration,
    pub connect_timeout: Duration,
    /// Searches in one `_msearch`.
    pub max_batch: usize,
    /// Requests at one time.
    pub max_in_flight: usize,
    /// Bytes of one answer, decompressed.
    pub max_response: usize,
    /// Groups of one search; more is indeterminate.
    pub max_groups: usize,
    /// Rules may run scripts on it.
    pub allow_scripts: bool,
    /// A proxy's URL; none is taken from the environment.
    pub proxy: Option<Secret>,
}

#[derive(Clone, Debug)]
pub enum Auth {
    None,
    Basic {
        username: String,
        password: Secret,
    },
    /// `id:key`, or its base64.
    ApiKey(Secret),
    Bearer(Secret),
    /// Each request is signed, with credentials that are found at each request.
    Aws(Signing),
}

#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// PEM; beside the operating system's trust store.
    pub ca: Option<PathBuf>,
    pub client_certificate: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    pub insecure_skip_verify: bool,
}

#[derive(Clone, Debug)]
pub struct Store {
    pub path: PathBuf,
}

/// Fills in what rules leave out: as typed, for it means something only beside a check.
#[derive(Clone, Debug, Default)]
pub struct RuleDefaults {
    pub(super) form: DefaultsForm,
    /// What the settings were read from, so that complaints about rules can point there too.
    pub(super) sources: Sources,
}

/// A sign of life, sent outbound.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    pub url: Secret,
    pub every: Duration,
}

/// A rule of our own that fires and recovers.
#[derive(Clone, Debug)]
pub struct Canary {
    pub every: Duration,
    /// Sinks by name, none twice.
    pub notify: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Server {
    /// Port 0 takes a free one; the log says which.
    pub listen: SocketAddr,
    /// What opens the door for heartbeats; without one, only a loopback address is open.
    pub heartbeat_token: Option<Secret>,
}

#[derive(Clone, Debug)]
pub struct Telemetry {
    pub level: String,
    pub format: LogFormat,
}

impl Telemetry {
    /// What the log's filter is told: highwater says as much as `level`, others only what is wrong.
    pub fn directives(level: &str) -> String {
        format!("warn,highwater={level}")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Debug)]
pub struct DeliverySettings {
    /// A delivery that no attempt could settle for so long is a dead letter.
    pub give_up_after: Duration,
    pub timeout: Duration,
    /// A message that is older than this when it is first sent says so first.
    pub stale_after: Duration,
    /// What waits for longer is an alert of its own.
    pub alert_after: Duration,
    /// The most deliveries that wait for one sink.
    pub max_queued: usize,
    pub max_queued_bytes: u64,
}

/// Templates that stand in place of the rules' own at one sink; known to compile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinkTexts {
    pub title: Option<String>,
    pub message: Option<String>,
}
