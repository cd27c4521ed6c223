//! Settings as they are typed. Doc comments here are the reference that operators read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    at::At,
    routes_form::{InhibitForm, MaintenanceForm, RouteForm},
    rule_form::DefaultsForm,
    texts::SinkTextsForm,
};
use crate::{
    model::{amount::Bytes, secret::Secret, span::Span},
    sinks,
};

/// Every key at the top.
pub const SECTIONS: [&str; 17] = [
    "clusters",
    "rules",
    "store",
    "sinks",
    "routes",
    "maintenance",
    "inhibit",
    "inhibit_built_in",
    "defaults",
    "self",
    "heartbeat",
    "canary",
    "display",
    "server",
    "telemetry",
    "delivery",
    "templates",
];

/// Settings: everything but the rules.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "only its schema is used: the sections are read one by one, so that one mistake does not hide others"
)]
pub struct SettingsForm {
    /// The clusters that are watched, by the names that rules use. Left out: none, for who watches something else.
    pub clusters: Option<BTreeMap<String, ClusterForm>>,
    /// Files and folders with rules, from the working directory.
    #[schemars(extend("default" = ["rules"]))]
    pub rules: Option<Vec<String>>,
    /// Where alerts and deliveries are remembered.
    #[schemars(extend("default" = { "sqlite": { "path": "var/highwater.db" } }))]
    pub store: Option<StoreForm>,
    /// Whom to tell, by the names that `notify` uses.
    pub sinks: Option<BTreeMap<String, sinks::Kind>>,
    /// Which alerts go where: asked in their order, the last one is the default. A rule goes by them where it names no sinks, or where its `notify` says `routes`.
    pub routes: Option<Vec<RouteForm>>,
    /// Times at which work is announced: alerts are withheld meanwhile.
    pub maintenance: Option<Vec<MaintenanceForm>>,
    /// Alerts that speak for others: what they withhold is told when they end, if it still fires.
    pub inhibit: Option<Vec<InhibitForm>>,
    /// `false` takes away the two built-in inhibitions: a cluster that does not answer speaks for all of its rules, and a red one for what else its health says.
    #[schemars(extend("default" = true))]
    pub inhibit_built_in: Option<bool>,
    /// Fills in what rules leave out.
    pub defaults: Option<DefaultsForm>,
    /// Alerts about highwater itself (`highwater-*`).
    #[serde(rename = "self")]
    pub own: Option<SelfForm>,
    /// A sign of life, sent out: only when the scheduler ticked, a look was complete, and nothing undelivered is too old.
    pub heartbeat: Option<HeartbeatForm>,
    /// An alert of level info that fires and recovers every so often, through the whole way of every alert; a sink that does not hear it is an alert itself.
    pub canary: Option<CanaryForm>,
    /// How times are shown.
    pub display: Option<DisplayForm>,
    /// What listens.
    pub server: Option<ServerForm>,
    /// Logs.
    pub telemetry: Option<TelemetryForm>,
    /// How notifications are sent.
    pub delivery: Option<DeliveryForm>,
    /// Texts for single sinks, by the sink's name, in place of the rules' own.
    pub templates: Option<BTreeMap<String, SinkTextsForm>>,
}

/// One watched cluster.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterForm {
    /// One or several URLs of the same cluster; a path prefix is kept.
    pub urls: Vec<At<String>>,
    /// Who we are. Left out: nobody.
    pub auth: Option<AuthForm>,
    /// Certificates. Left out: the operating system's trust store.
    pub tls: Option<TlsForm>,
    /// The total deadline of one request. Where there are several URLs, one that is silent for a third of it and answers no lighter question either is left for the next.
    #[serde(default = "seconds::<10>")]
    pub timeout: Span,
    /// The deadline of connecting.
    #[serde(default = "seconds::<3>")]
    pub connect_timeout: Span,
    /// Searches in one `_msearch`.
    #[serde(default = "count::<250>")]
    pub max_batch: At<u64>,
    /// Requests at one time.
    #[serde(default = "count::<5>")]
    pub max_in_flight: At<u64>,
    /// The most that one answer may hold, unpacked.
    #[serde(default = "max_response")]
    pub max_response: Bytes,
    /// Groups of one search; more are indeterminate, never cut off in silence.
    #[serde(default = "count::<100_000>")]
    pub max_groups: At<u64>,
    /// Rules may run scripts on this cluster, in the body of a `search`.
    #[serde(default)]
    pub allow_scripts: bool,
    /// The URL of a proxy; none is taken from the environment.
    pub proxy: Option<Secret>,
}

/// Who we are: exactly one of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum AuthForm {
    /// Name and password.
    Basic(BasicForm),
    /// `id:key`, or its base64.
    ApiKey(Secret),
    /// A bearer token.
    Bearer(Secret),
    /// Signed requests, for a domain or collection of Amazon OpenSearch.
    Aws(AwsForm),
}

/// Signed requests, with credentials that are found where Amazon's own tools find them.
///
/// Those are the environment, a profile, a web identity, the container and the machine, in this order.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsForm {
    /// `eu-west-1`.
    pub region: At<String>,
    /// `es` for a domain, `aoss` for a serverless collection.
    #[schemars(extend("default" = "es"))]
    pub service: Option<At<String>>,
}

/// Name and password.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicForm {
    /// The user's name.
    pub username: String,
    /// A reference: `${env:ES_PASSWORD}`.
    pub password: Secret,
}

/// Certificates, as PEM files.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsForm {
    /// Trusted beside the operating system's store.
    pub ca: Option<String>,
    /// Ours, together with `client_key`.
    pub client_certificate: Option<At<String>>,
    /// The key of `client_certificate`.
    pub client_key: Option<At<String>>,
    /// Trusts whoever answers. For trying out only; it is logged at every start.
    #[serde(default)]
    pub insecure_skip_verify: bool,
}

/// Where alerts and deliveries are remembered.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum StoreForm {
    /// One file.
    Sqlite(SqliteForm),
}

/// One SQLite file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqliteForm {
    /// From the working directory; its folder is made.
    #[serde(default = "store_path")]
    pub path: String,
}

/// Alerts about highwater itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelfForm {
    /// Sinks to tell, or `routes`. Left out: the routes, if there are any, else every sink; never the one concerned.
    pub notify: Option<Vec<At<String>>>,
}

/// A sign of life, sent out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatForm {
    /// Fetched by `GET`.
    pub url: Secret,
    /// How often.
    #[serde(default = "seconds::<60>")]
    pub every: Span,
}

/// An alert that fires and recovers every so often, to prove the way of every alert.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanaryForm {
    /// How often.
    #[serde(default = "seconds::<3600>")]
    pub every: Span,
    /// Sinks that hear it.
    pub notify: Vec<At<String>>,
}

/// How times are shown.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisplayForm {
    /// An IANA name; also the zone of cron schedules that name none.
    #[schemars(extend("default" = "UTC"))]
    pub timezone: Option<At<String>>,
}

/// What listens.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerForm {
    /// Address and port; port 0 takes a free one, and the log says which.
    #[schemars(extend("default" = "127.0.0.1:7585"))]
    pub listen: Option<At<String>>,
    /// What a ping of a `heartbeat` rule sends as `Authorization: Bearer …`. Left out: pings are heard at a loopback address only, without any.
    pub heartbeat_token: Option<Secret>,
}

/// Logs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TelemetryForm {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter like `info,highwater::engine=debug`.
    #[schemars(extend("default" = "info"))]
    pub level: Option<At<String>>,
    /// `text` or `json`.
    #[schemars(extend("default" = "text"))]
    pub format: Option<Format>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// How notifications are sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryForm {
    /// What could not be delivered for so long is a dead letter, and an alert of its own.
    #[serde(default = "seconds::<86_400>")]
    pub give_up_after: Span,
    /// The deadline of one attempt.
    #[serde(default = "seconds::<10>")]
    pub timeout: Span,
    /// A message that is older than this when it is first sent says in its first line how late it is.
    #[serde(default = "seconds::<600>")]
    pub stale_after: Span,
    /// A sink for which something waits longer than this is an alert of its own, through another sink.
    #[serde(default = "seconds::<300>")]
    pub alert_after: Span,
    /// The most deliveries that wait for one sink. Beyond it updates and reminders go first, then what waits for one alert is
    /// merged; that an alert fired and that it ended is never dropped.
    #[serde(default = "count::<10_000>")]
    pub max_queued: At<u64>,
    /// The same in bytes.
    #[serde(default = "max_response")]
    pub max_queued_bytes: Bytes,
}

fn seconds<const N: u64>() -> Span {
    Span::seconds(N)
}

fn count<const N: u64>() -> At<u64> {
    At { value: N, place: super::place::Place::default() }
}

fn max_response() -> Bytes {
    Bytes(64 * 1024 * 1024)
}

fn store_path() -> String {
    "var/highwater.db".to_owned()
}
