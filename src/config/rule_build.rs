//! From a rule as typed to a [`Rule`] that cannot hold a wrong value.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use super::{
    at::{At, TextOr},
    complaint::{Complaint, Report},
    flapping, lint, missing, near,
    routing::ROUTES,
    rule::{Publish, Rule, Source},
    rule_form::{BlindForm, DefaultsForm, RuleForm},
    schedule, scripts, texts, thresholds,
};
use crate::{
    checks::{Check, Defaults},
    model::{
        Level, LevelPolicy, Missing, Policy, Schedule, Timing, identity,
        policy::{BlindPolicy, MissingThen},
        span::Span,
    },
};

/// The built-in rule, and the kind of its check.
pub const UNREACHABLE: &str = "elasticsearch-unreachable";
pub const UNREACHABLE_KIND: &str = "elasticsearch_unreachable";

/// Stands in `publish` for highwater's own page of metrics.
const METRICS_PAGE: &str = "/metrics";
const QUERY_DELAY: Duration = Duration::from_secs(30);
const MAX_CATCH_UP: Duration = Duration::from_secs(3600);
pub const ABSENT: Missing = Missing::keep_then(Duration::from_secs(600), MissingThen::Resolve);

/// What rules may name, and what holds for all of them.
#[derive(Debug)]
pub struct World {
    pub clusters: Vec<String>,
    /// Those of them that allow scripts.
    pub scripted: Vec<String>,
    pub sinks: Vec<String>,
    /// Those of them that keep numbers.
    pub keepers: Vec<String>,
    /// The settings have routes.
    pub routed: bool,
    /// The zone of schedules that name none.
    pub zone: String,
    pub defaults: DefaultsForm,
}

/// Where a rule was written.
#[derive(Clone, Debug)]
pub struct Written {
    pub file: Option<PathBuf>,
    pub line: usize,
}

pub fn build(form: RuleForm, world: &World, written: Written, report: &mut Report) -> Option<Rule> {
    let mut made = Report::default();
    let rule = Builder { world, report: &mut made }.build(form, written);
    let broken = made.has_errors();
    report.absorb(made);
    rule.filter(|_| !broken)
}

struct Builder<'a> {
    world: &'a World,
    report: &'a mut Report,
}

impl Builder<'_> {
    fn build(mut self, form: RuleForm, written: Written) -> Option<Rule> {
        let id = self.id(&form)?;
        let kind = form.check.value.name();
        let check = self.check(&form);
        let clusters = self.clusters(&form, kind, check.as_ref());
        let scripts = scripts::complaint(check.as_ref(), &clusters, &self.world.scripted);
        scripts.into_iter().for_each(|why| self.report.add(form.check.error(why)));
        let (levels, notify_by_level) = self.levels(&form, check.as_ref());
        let notify = self.notify(&form, kind);
        let timing = self.timing(&form, check.as_ref(), clusters.first());
        let policy = self.policy(&form, check.as_ref(), levels);
        let (title, message) = (self.text(form.title.as_ref()), self.text(form.message.as_ref()));
        let runbook = self.runbook(form.runbook.as_ref());
        let repeat = self.repeat(form.repeat.as_ref());
        let publish = self.publish(form.publish.as_deref());
        let flapping = self.report.take(flapping::parse(form.flapping.as_ref())).flatten();
        let fingerprint = fingerprint(kind, &clusters, &check.groups());
        let labels = form.labels.unwrap_or_default();
        Some(Rule {
            summary: form.summary.unwrap_or_else(|| id.clone()),
            id,
            clusters,
            kind,
            check,
            timing: timing?,
            policy,
            notify,
            notify_by_level,
            publish,
            repeat,
            flapping,
            labels: labels.into_iter().map(|(name, value)| (name, value.value)).collect(),
            runbook,
            title,
            message,
            fingerprint,
            source: Source { file: written.file, line: written.line },
        })
    }

    fn check(&mut self, form: &RuleForm) -> Arc<dyn Check> {
        let check = form.check.value.clone().into_check();
        for complaint in check.complaints() {
            self.report.add(form.check.error(complaint));
        }
        check
    }

    fn levels(
        &mut self,
        form: &RuleForm,
        check: &dyn Check,
    ) -> (Vec<LevelPolicy>, BTreeMap<Level, Vec<String>>) {
        let (place, scale) = (form.check.place, check.scale());
        let levels = thresholds::read(form.levels.as_ref(), scale, &check.defaults(), place, self.report);
        let lints = levels.policies.iter().filter_map(|level| lint::unreachable(level, scale));
        for warning in lints {
            self.report.add(warning.at(form.levels.as_ref().map_or(place, |levels| levels.place)));
        }
        let notify = levels.notify.iter().map(|(level, names)| (*level, self.sinks(names))).collect();
        (levels.policies, notify)
    }

    fn policy(&mut self, form: &RuleForm, check: &dyn Check, levels: Vec<LevelPolicy>) -> Policy {
        let defaults = check.defaults();
        let no_data = self.no_data(form, &defaults, &levels);
        let absent = self.absent(form, &defaults, &levels);
        self.reaches(form, [no_data, Some(absent)], &levels);
        Policy {
            levels,
            no_data: no_data.unwrap_or(Missing::KEEP),
            absent,
            blind: self.blind(form.blind.as_ref()),
            grouped: !check.groups().is_empty(),
            unit: check.scale().unit(),
        }
    }

    fn id(&mut self, form: &RuleForm) -> Option<String> {
        let id = &form.id.value;
        let fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || id.chars().count() > 128 || !id.chars().all(fine) {
            self.report.add(
                form.id.error(format!(
                    "`{id}` is no id; letters, digits, `-`, `_` and `.`, at most 128 of them"
                )),
            );
            return None;
        }
        if id.starts_with("highwater-") {
            self.report.add(
                form.id.error(format!(
                    "`{id}` is reserved; ids that begin with `highwater-` are our own alerts"
                )),
            );
        }
        let kind = form.check.value.name();
        if id == UNREACHABLE && kind != UNREACHABLE_KIND {
            self.report.add(form.id.error(format!(
                "`{id}` is the built-in rule; tune it with `check: {{ {UNREACHABLE_KIND}: {{}} }}`, or take another id"
            )));
        }
        Some(id.clone())
    }

    fn clusters(&mut self, form: &RuleForm, kind: &str, check: &dyn Check) -> Vec<String> {
        if let Some(place) = check.elsewhere() {
            if let Some(form) = &form.clusters {
                self.report.add(form.error(format!("`{kind}` asks no cluster; leave `clusters` out")));
            }
            return vec![place];
        }
        let all = &self.world.clusters;
        let named = match &form.clusters {
            None if kind == UNREACHABLE_KIND || all.len() == 1 => return all.clone(),
            None => {
                self.report.add(near::unsaid_cluster(form, kind, all));
                return Vec::new();
            }
            Some(At { value: TextOr::Text(text), .. }) if text == "all" && kind == UNREACHABLE_KIND => {
                return all.clone();
            }
            Some(form @ At { value: TextOr::Text(text), .. }) if text == "all" => {
                let why =
                    format!("`all` is for `{UNREACHABLE_KIND}`; name the clusters: {}", near::list(all));
                self.report.add(form.error(why));
                return Vec::new();
            }
            Some(At { value: TextOr::Text(name), place }) => &vec![At { value: name.clone(), place: *place }],
            Some(At { value: TextOr::Long(names), .. }) => names,
        };
        let clusters = self.known(named, &self.world.clusters, "cluster");
        self.complain_of_unwatched(form, &clusters);
        clusters
    }

    fn complain_of_unwatched(&mut self, form: &RuleForm, watched: &[String]) {
        if form.id.value != UNREACHABLE {
            return;
        }
        for cluster in self.world.clusters.iter().filter(|cluster| !watched.contains(cluster)) {
            self.report.add(
                form.id
                    .warning(format!("nobody will say that cluster `{cluster}` is unreachable"))
                    .hint("leave `clusters` out to watch all of them"),
            );
        }
    }

    /// Those of `names` that are known, each once; the others are mistakes.
    fn known(&mut self, names: &[At<String>], known: &[String], what: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for name in names {
            if !known.contains(&name.value) {
                let mut complaint = name.error(format!("unknown {what} `{}`", name.value));
                complaint.hint = near::hint(&name.value, known.iter().map(String::as_str))
                    .or_else(|| Some(format!("the settings have no {what}s")));
                self.report.add(complaint);
            } else if !found.contains(&name.value) {
                found.push(name.value.clone());
            }
        }
        found
    }

    fn sinks(&mut self, names: &[At<String>]) -> Vec<String> {
        let (by_routes, names): (Vec<_>, Vec<_>) =
            names.iter().cloned().partition(|name| name.value == ROUTES && self.world.routed);
        let mut sinks = self.known(&names, &self.world.sinks, "sink");
        sinks.extend((!by_routes.is_empty()).then(|| ROUTES.to_owned()));
        sinks
    }

    fn notify(&mut self, form: &RuleForm, kind: &str) -> Vec<String> {
        let names = form.notify.as_ref().or(self.world.defaults.notify.as_ref());
        if let Some(names) = names {
            return self.sinks(names);
        }
        if self.world.routed {
            return vec![ROUTES.to_owned()];
        }
        if kind == UNREACHABLE_KIND {
            return self.world.sinks.clone();
        }
        if !self.world.sinks.is_empty() {
            let names = near::list(&self.world.sinks);
            let why = format!(
                "`notify` is missing, so nobody would be told; choose among {names}, or write it into `defaults`"
            );
            self.report.add(form.id.error(why));
        }
        Vec::new()
    }

    fn publish(&mut self, names: Option<&[At<String>]>) -> Publish {
        let (page, names): (Vec<_>, Vec<_>) =
            names.unwrap_or_default().iter().cloned().partition(|name| name.value == METRICS_PAGE);
        let mut sinks = self.known(&names, &self.world.sinks, "sink");
        for name in names.iter().filter(|name| sinks.contains(&name.value)) {
            if !self.world.keepers.contains(&name.value) {
                let why =
                    format!("sink `{}` keeps no numbers, so nothing can be published there", name.value);
                let hint = "`publish` takes `cloudwatch_metrics`, `statsd` and `elasticsearch` sinks, and `/metrics`";
                self.report.add(name.error(why).hint(hint));
            }
        }
        sinks.retain(|name| self.world.keepers.contains(name));
        Publish { sinks, on_page: !page.is_empty() }
    }

    fn timing(&mut self, form: &RuleForm, check: &dyn Check, cluster: Option<&String>) -> Option<Timing> {
        let Some(written) = &form.schedule else {
            self.report.add(form.id.error("`schedule` is missing; write one like `schedule: every 1m`"));
            return None;
        };
        let schedule = self.schedule(written)?;
        if let Some(warning) = lint::narrow_window(check, &schedule) {
            self.report.add(warning.at(form.check.place));
        }
        let while_firing = form.schedule_while_firing.as_ref().and_then(|form| self.schedule(form));
        let unsettled = form.schedule_while_unsettled.as_ref().and_then(|form| self.schedule(form));
        let windowed = check.window().is_some();
        Some(Timing {
            while_firing,
            while_unsettled: unsettled.unwrap_or_else(|| schedule::while_unsettled(&schedule)),
            query_delay: if windowed || check.follows() {
                length(form.query_delay.as_ref(), QUERY_DELAY)
            } else {
                Duration::ZERO
            },
            offset: schedule::offset(cluster.map_or("", String::as_str), &schedule),
            max_catch_up: length(form.max_catch_up.as_ref(), MAX_CATCH_UP),
            windowed,
            schedule,
        })
    }

    fn schedule(&mut self, form: &At<TextOr<schedule::CronForm>>) -> Option<Schedule> {
        self.report.take(schedule::parse(form, &self.world.zone))
    }

    fn no_data(&mut self, form: &RuleForm, defaults: &Defaults, levels: &[LevelPolicy]) -> Option<Missing> {
        if let Some(written) = &form.no_data {
            return self.report.take(missing::parse(written));
        }
        if defaults.no_data.is_none() {
            self.report.add(Complaint::error(
                "`no_data` is missing: is no traffic fine, or not; write `no_data: keep`, `resolve`, `fire LEVEL` or `{ keep: 1h, then: fire LEVEL }`",
            ).at(form.check.place));
        }
        defaults.no_data.map(|usual| missing::reaching(usual, levels))
    }

    fn absent(&mut self, form: &RuleForm, defaults: &Defaults, levels: &[LevelPolicy]) -> Missing {
        let written = form.absent.as_ref().and_then(|form| self.report.take(missing::parse(form)));
        written.unwrap_or_else(|| missing::reaching(defaults.absent.unwrap_or(ABSENT), levels))
    }

    /// `fire warning` in a rule that has only `critical` would fire nothing.
    fn reaches(&mut self, form: &RuleForm, policies: [Option<Missing>; 2], levels: &[LevelPolicy]) {
        for (place, missing) in [&form.no_data, &form.absent].into_iter().zip(policies) {
            let (Some(form), Some(Missing { then: MissingThen::Fire(worst), .. })) = (place, missing) else {
                continue;
            };
            if !levels.is_empty() && levels.iter().all(|level| level.level > worst) {
                let known: Vec<String> = levels.iter().map(|level| level.level.to_string()).collect();
                self.report.add(form.error(format!(
                    "`fire {worst}` reaches no level of this rule; it has {}",
                    near::list(&known)
                )));
            }
        }
    }

    fn blind(&mut self, form: Option<&BlindForm>) -> BlindPolicy {
        let usual = BlindPolicy::default();
        let Some(form) = form else { return usual };
        let level = form
            .level
            .as_ref()
            .and_then(|level| self.report.take(level.value.parse::<Level>().map_err(|why| level.error(why))));
        BlindPolicy {
            after: form.after.map_or(usual.after, |span| span.0),
            level: level.unwrap_or(usual.level),
        }
    }

    fn text(&mut self, form: Option<&At<String>>) -> Option<String> {
        self.report.take(texts::check(form?, false))
    }

    fn runbook(&mut self, form: Option<&At<String>>) -> Option<String> {
        let form = form?;
        if !form.value.starts_with("https://") && !form.value.starts_with("http://") {
            self.report.add(form.error("`runbook` is a link; it begins with `https://`"));
        }
        Some(form.value.clone())
    }

    fn repeat(&mut self, form: Option<&At<Span>>) -> Option<Duration> {
        let form = form?;
        if form.value.0 < Duration::from_secs(60) {
            self.report.add(form.error("`repeat` is at least `1m`; leave it out for no reminders"));
        }
        Some(form.value.0)
    }
}

fn length(form: Option<&At<Span>>, usual: Duration) -> Duration {
    form.map_or(usual, |form| form.value.0)
}

fn fingerprint(kind: &str, clusters: &[String], groups: &[String]) -> String {
    let (clusters, groups) = (clusters.join("\n"), groups.join("\n"));
    identity::fingerprint(&["rule", kind, &clusters, &groups])
}
