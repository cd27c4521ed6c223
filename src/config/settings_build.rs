//! From settings as typed to [`Settings`] that cannot hold a wrong value.

mod signs;

use std::{collections::BTreeMap, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use chrono_tz::Tz;

use super::{
    Settings,
    at::At,
    complaint::Complaint,
    near,
    place::Place,
    routes_build::{self, Forms},
    routing::{ROUTES, Routing},
    rule_form::DefaultsForm,
    settings::{Auth, Cluster, DeliverySettings, LogFormat, RuleDefaults, SinkTexts, Store, Telemetry, Tls},
    settings_form::{
        AuthForm, AwsForm, ClusterForm, DeliveryForm, DisplayForm, Format, SelfForm, StoreForm,
        TelemetryForm, TlsForm,
    },
    settings_load::Sections,
    texts::{self, SinkTextsForm},
};
use crate::{
    model::{secret::Secret, signing::Signing},
    sinks::{self, Destination, Sink},
};

const UNSIGNED: &str =
    "this highwater cannot sign requests to Amazon; one that is built with the feature `aws` can";

/// By the name that the settings give a sink.
type BySink<T> = BTreeMap<String, T>;

pub struct Builder<'a> {
    sections: Sections<'a>,
    allow_literal: bool,
}

impl<'a> Builder<'a> {
    pub fn new(sections: Sections<'a>, allow_literal: bool) -> Self {
        Self { sections, allow_literal }
    }

    /// `None` where something is wrong; then the report says what.
    pub fn build(mut self) -> Option<Settings> {
        let clusters = self.clusters();
        let (sinks, kinds) = self.sinks();
        let rules = self.sections.read::<Vec<String>>("rules");
        let store = self.store();
        let defaults = self.sections.read::<DefaultsForm>("defaults");
        let own = self.sections.read::<SelfForm>("self");
        // one with a mistake in it is there all the same: whoever names it is not wrong as well
        let names = self.sections.names("sinks");
        let timezone = self.timezone();
        let routing = self.routing(&names, timezone.unwrap_or(Tz::UTC));
        let defaults_notify = defaults.as_ref().and_then(|form| form.notify.clone()).unwrap_or_default();
        self.known_sinks(&defaults_notify, &names);
        let self_notify = self.known_sinks(&own.and_then(|own| own.notify).unwrap_or_default(), &names);
        let (heartbeat, canary) = (self.heartbeat(), self.canary(&names));
        let texts = self.texts(&names);
        let (server, telemetry, delivery) = (self.server(), self.telemetry(), self.delivery());
        Some(Settings {
            clusters,
            rules: rules?.into_iter().map(PathBuf::from).collect(),
            store: store?,
            sinks,
            routing,
            kinds,
            defaults: RuleDefaults { form: defaults?, ..RuleDefaults::default() },
            self_notify,
            heartbeat,
            canary,
            timezone: timezone?,
            server: server?,
            telemetry: telemetry?,
            delivery: delivery?,
            texts,
        })
    }

    fn error(&mut self, complaint: Complaint) {
        self.sections.report.add(complaint);
    }

    fn store(&mut self) -> Option<Store> {
        let StoreForm::Sqlite(sqlite) = self.sections.read::<StoreForm>("store")?;
        if sqlite.path.trim().is_empty() {
            let place = self.sections.place(&["store", "sqlite", "path"]);
            self.error(Complaint::error("`path` is empty; write one like `var/highwater.db`").at(place));
        }
        Some(Store { path: sqlite.path.into() })
    }

    /// None at all is fine for whoever watches something else: a rule that needs one says so.
    fn clusters(&mut self) -> BTreeMap<String, Arc<Cluster>> {
        let forms = self.sections.read_all::<ClusterForm>("clusters");
        let mut clusters = BTreeMap::new();
        for (name, place, form) in forms {
            self.name(&name, place);
            let cluster = self.cluster(&name, place, form);
            clusters.insert(name, Arc::new(cluster));
        }
        clusters
    }

    fn cluster(&mut self, name: &str, place: Place, form: ClusterForm) -> Cluster {
        if form.urls.is_empty() {
            self.error(Complaint::error("`urls` is empty; write at least one").at(place));
        }
        for url in &form.urls {
            self.cluster_url(url);
        }
        let auth = self.auth(name, form.auth);
        let tls = self.tls(form.tls.unwrap_or_default());
        if let Some(proxy) = &form.proxy {
            self.proxy(name, proxy);
        }
        Cluster {
            name: name.to_owned(),
            urls: form.urls.into_iter().map(|url| url.value.trim_end_matches('/').to_owned()).collect(),
            auth,
            tls,
            timeout: self.positive(form.timeout.0, &["clusters", name, "timeout"]),
            connect_timeout: self.positive(form.connect_timeout.0, &["clusters", name, "connect_timeout"]),
            max_batch: self.at_least_one(&form.max_batch),
            max_in_flight: self.at_least_one(&form.max_in_flight),
            max_response: usize::try_from(form.max_response.0).unwrap_or(usize::MAX),
            max_groups: self.at_least_one(&form.max_groups),
            allow_scripts: form.allow_scripts,
            proxy: form.proxy,
        }
    }

    fn cluster_url(&mut self, url: &At<String>) {
        let parsed = reqwest::Url::parse(&url.value);
        match parsed {
            Ok(parsed) if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() => {
                self.error(url.error("this is not the URL of a cluster; write one like `https://es-1:9200`"));
            }
            Ok(parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
                self.error(url.error("a URL holds no credentials; write them into `auth`"));
            }
            Ok(_) => {}
            Err(_) => self.error(url.error("this is not a URL; write one like `https://es-1:9200`")),
        }
    }

    fn auth(&mut self, name: &str, form: Option<AuthForm>) -> Auth {
        let path = ["clusters", name, "auth"];
        match form {
            None => Auth::None,
            Some(AuthForm::Basic(basic)) => {
                self.no_literal(&basic.password, &[&path[..], &["basic", "password"]].concat());
                Auth::Basic { username: basic.username, password: basic.password }
            }
            Some(AuthForm::ApiKey(key)) => {
                self.no_literal(&key, &[&path[..], &["api_key"]].concat());
                Auth::ApiKey(key)
            }
            Some(AuthForm::Bearer(token)) => {
                self.no_literal(&token, &[&path[..], &["bearer"]].concat());
                Auth::Bearer(token)
            }
            Some(AuthForm::Aws(aws)) => self.aws(&aws),
        }
    }

    fn aws(&mut self, form: &AwsForm) -> Auth {
        if let Some(complaint) = Signing::complaint_about_region(&form.region.value) {
            self.error(form.region.error(complaint));
        }
        let service = form.service.as_ref().map_or("es", |service| service.value.as_str());
        if let Some(wrong) =
            form.service.as_ref().filter(|name| !["es", "aoss"].contains(&name.value.as_str()))
        {
            self.error(wrong.error(format!("`{service}` is no service of OpenSearch; write `es` or `aoss`")));
        }
        if !cfg!(feature = "aws") {
            self.error(form.region.error(UNSIGNED));
        }
        Auth::Aws(Signing::new(&form.region.value, service))
    }

    fn tls(&mut self, form: TlsForm) -> Tls {
        match (&form.client_certificate, &form.client_key) {
            (Some(alone), None) => self.error(alone.error("`client_certificate` needs its `client_key`")),
            (None, Some(alone)) => self.error(alone.error("`client_key` needs its `client_certificate`")),
            _ => {}
        }
        Tls {
            ca: form.ca.map(PathBuf::from),
            client_certificate: form.client_certificate.map(|path| path.value.into()),
            client_key: form.client_key.map(|path| path.value.into()),
            insecure_skip_verify: form.insecure_skip_verify,
        }
    }

    /// A proxy's address is no secret, but its credentials are.
    fn proxy(&mut self, name: &str, proxy: &Secret) {
        use crate::model::secret::Part;
        let credentials =
            proxy.parts.iter().any(|part| matches!(part, Part::Literal(text) if text.contains('@')));
        if credentials && proxy.is_literal() {
            self.no_literal(proxy, &["clusters", name, "proxy"]);
        }
    }

    fn sinks(&mut self) -> (BySink<Arc<dyn Sink>>, BySink<&'static str>) {
        let clusters = self.sections.names("clusters");
        let mut all: BTreeMap<String, Arc<dyn Sink>> = BTreeMap::new();
        let mut kinds = BTreeMap::new();
        for (name, place, kind) in self.sections.read_all::<sinks::Kind>("sinks") {
            self.name(&name, place);
            if name == ROUTES {
                let why = "`routes` is no name for a sink; in `notify` it means the routes";
                self.error(Complaint::error(why).at(place));
            }
            let key = kind.name();
            let sink = kind.into_sink();
            for (secret, value) in sink.secrets() {
                self.no_literal(value, &["sinks", &name, key, secret]);
            }
            for complaint in sink.complaints() {
                let blamed = self.sections.place_of(&["sinks", &name, key], &complaint);
                self.error(Complaint::error(complaint).at(blamed.unwrap_or(place)));
            }
            if !cfg!(feature = "aws") && is_signed(&*sink) {
                self.error(Complaint::error(UNSIGNED).at(place));
            }
            if let Some([one, other]) = mixed_up(&*sink, &clusters) {
                let why = format!("the clusters `{one}` and `{other}` have one name in this sink's series");
                self.error(Complaint::error(why).at(place).hint("name one of them differently"));
            }
            kinds.insert(name.clone(), key);
            if let Destination::History { name, .. } = sink.destination()
                && !clusters.contains(&name)
            {
                let complaint = Complaint::error(format!("unknown cluster `{name}`")).at(place);
                let hint = near::hint(&name, clusters.iter().map(String::as_str));
                self.error(hint.into_iter().fold(complaint, Complaint::hint));
            }
            all.insert(name, sink);
        }
        (all, kinds)
    }

    fn texts(&mut self, sinks: &[String]) -> BTreeMap<String, SinkTexts> {
        let mut all = BTreeMap::new();
        for (name, place, form) in self.sections.read_all::<SinkTextsForm>("templates") {
            if !sinks.contains(&name) {
                let complaint = Complaint::error(format!("unknown sink `{name}`")).at(place);
                let hint = near::hint(&name, sinks.iter().map(String::as_str));
                self.error(hint.into_iter().fold(complaint, Complaint::hint));
            }
            let mut take = |text: Option<At<String>>| {
                text.and_then(|text| self.sections.report.take(texts::check(&text, true)))
            };
            let texts = SinkTexts { title: take(form.title), message: take(form.message) };
            all.insert(name, texts);
        }
        all
    }

    /// Names become parts of log lines, addresses and variables.
    fn name(&mut self, name: &str, place: Place) {
        let fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name == "all" || name.len() > 64 || !name.chars().all(fine) {
            let message = format!("`{name}` is no name; letters, digits, `-`, `_` and `.`, but not `all`");
            self.error(Complaint::error(message).at(place));
        }
    }

    fn no_literal(&mut self, secret: &Secret, path: &[&str]) {
        let place = self.sections.place(path);
        if self.allow_literal || !secret.is_literal() || !self.sections.is_open(place) {
            return;
        }
        let key = path.last().copied().unwrap_or_default();
        self.error(
            Complaint::error(format!("`{key}` is a secret, and must not stand here as plain text"))
                .hint("write `${env:NAME}` or `${file:/path}`; `--allow-literal-secrets` accepts it as it is")
                .at(place),
        );
    }

    fn routing(&mut self, sinks: &[String], zone: Tz) -> Routing {
        let before = self.sections.report.errors();
        let routes = self.sections.read_list("routes");
        let broken = self.sections.report.errors() > before;
        let written = self.sections.node.get("inhibit_built_in").is_some();
        let forms = Forms {
            // without the routes that could not be read, the others would seem to be wrong
            routes: routes.filter(|_| !broken),
            maintenance: self.sections.read_list("maintenance").map(|(_, forms)| forms).unwrap_or_default(),
            inhibit: self.sections.read_list("inhibit").map(|(_, forms)| forms).unwrap_or_default(),
            built_in: !written || self.sections.read("inhibit_built_in").unwrap_or(true),
        };
        routes_build::build(forms, sinks, zone, self.sections.report)
    }

    fn known_sinks(&mut self, names: &[At<String>], known: &[String]) -> Vec<String> {
        let has_routes = self.sections.node.get("routes").is_some();
        for name in names.iter().filter(|name| !known.contains(&name.value)) {
            if name.value == ROUTES && has_routes {
                continue;
            }
            let mut complaint = name.error(format!("unknown sink `{}`", name.value));
            complaint.hint = near::hint(&name.value, known.iter().map(String::as_str))
                .or_else(|| Some("`sinks` has none; add one like `log: { stdout: {} }`".to_owned()));
            if name.value == ROUTES {
                complaint = complaint.hint("there are no `routes` in these settings");
            }
            self.error(complaint);
        }
        names.iter().map(|name| name.value.clone()).collect()
    }

    fn timezone(&mut self) -> Option<Tz> {
        let form = self.sections.read::<DisplayForm>("display")?;
        let Some(zone) = form.timezone else { return Some(Tz::UTC) };
        let parsed = Tz::from_str(&zone.value);
        if parsed.is_err() {
            let name = &zone.value;
            self.error(zone.error(format!(
                "unknown time zone `{name}`; write an IANA name like `Europe/Copenhagen` or `UTC`"
            )));
        }
        parsed.ok()
    }

    fn telemetry(&mut self) -> Option<Telemetry> {
        let form = self.sections.read::<TelemetryForm>("telemetry")?;
        let level = form.level?;
        if tracing_subscriber::EnvFilter::try_new(Telemetry::directives(&level.value)).is_err() {
            let text = &level.value;
            self.error(level.error(format!("`{text}` is no log level; write `info` or `debug`")));
        }
        let format = match form.format? {
            Format::Text => LogFormat::Text,
            Format::Json => LogFormat::Json,
        };
        Some(Telemetry { level: level.value, format })
    }

    fn delivery(&mut self) -> Option<DeliverySettings> {
        let form = self.sections.read::<DeliveryForm>("delivery")?;
        let give_up_after = self.positive(form.give_up_after.0, &["delivery", "give_up_after"]);
        let timeout = self.positive(form.timeout.0, &["delivery", "timeout"]);
        let stale_after = self.positive(form.stale_after.0, &["delivery", "stale_after"]);
        let alert_after = self.positive(form.alert_after.0, &["delivery", "alert_after"]);
        let max_queued = self.at_least_one(&form.max_queued);
        let max_queued_bytes = form.max_queued_bytes.0;
        Some(DeliverySettings {
            give_up_after,
            timeout,
            stale_after,
            alert_after,
            max_queued,
            max_queued_bytes,
        })
    }

    fn positive(&mut self, span: Duration, path: &[&str]) -> Duration {
        if span.is_zero() {
            let place = self.sections.place(path);
            self.error(Complaint::error("this has to be longer than nothing").at(place));
        }
        span
    }

    fn at_least_one(&mut self, form: &At<u64>) -> usize {
        if form.value == 0 {
            self.error(form.error("this has to be at least 1"));
        }
        usize::try_from(form.value).unwrap_or(usize::MAX)
    }
}

/// Two clusters whose numbers nobody could tell apart.
fn mixed_up<'a>(sink: &dyn Sink, clusters: &'a [String]) -> Option<[&'a str; 2]> {
    let mut known = BTreeMap::new();
    clusters.iter().find_map(|name| Some([known.insert(sink.series(name), name.as_str())?, name.as_str()]))
}

fn is_signed(sink: &dyn Sink) -> bool {
    matches!(sink.destination(), Destination::Http(endpoint) if endpoint.sign.is_some())
}
