//! `routes`: whom alerts are told to; and `routes explain`: the way of one alert through them, and what withholds it now.

mod flapping;

use std::{collections::BTreeSet, process::ExitCode};

use self::flapping::Flapped;
use super::{
    args::{Explain, Global, Way},
    load,
    out::Out,
    paint::Tone,
    stop::{Code, Stop},
    table::{Row, Table},
};
use crate::{
    clock::Clock,
    config::{Rule, RuleSet, Settings, routing::ROUTES},
    engine::withhold::Causes,
    model::{
        Entity, Level, Time,
        inhibition::Speakers,
        matcher::{self, Labels},
        route::{self, Answer, Route},
        silence::Silence,
        wording,
    },
    store::{OpenAlert, Reader, StoreError},
};

pub fn run(global: &Global, way: Option<&Way>, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let text = match way {
        None => list(&settings, Clock::system().now(), out),
        Some(Way::Explain(args)) => explain(&settings, args)?,
    };
    out.print(&text)?;
    Ok(Code::Fine.into())
}

fn list(settings: &Settings, now: Time, out: Out) -> String {
    let routing = &settings.routing;
    let mut text = if routing.routes.is_empty() {
        "there are no routes: every rule names its sinks\n".to_owned()
    } else {
        let mut table = Table::new(["", "which alerts", "told", "then", "when"], &[]);
        for (n, route) in routing.routes.iter().enumerate() {
            table.push(row(n + 1, route, now));
        }
        table.render_folded(out.width, &[4])
    };
    for window in &routing.maintenance {
        let open = window
            .open_until(now)
            .map(|end| format!(" (open until {})", wording::when(end, now, settings.timezone)));
        let shown = matcher::show(&window.matchers);
        text += &format!("maintenance {}: {shown}{}\n", window.name, open.unwrap_or_default());
    }
    for inhibition in &routing.inhibit {
        let (when, silences) = (matcher::show(&inhibition.when), matcher::show(&inhibition.silences));
        let equal = inhibition.equal.join(", ");
        let equal = if equal.is_empty() { String::new() } else { format!(", with the same {equal}") };
        text += &format!("while {when} fires, nothing is told of {silences}{equal}\n");
    }
    text
}

fn row(number: usize, route: &Route, now: Time) -> Row {
    let asleep = route.active.as_ref().is_some_and(|hours| !hours.holds(now));
    let hours = route.active.as_ref().map_or("always".to_owned(), ToString::to_string);
    let hours = if asleep { format!("{hours} (not now)") } else { hours };
    let then = if route.goes_on { "goes on" } else { "stops" };
    let cells = [number.to_string(), route.show(), route.notify.join(", "), then.to_owned(), hours];
    Row::new(if asleep { Tone::Quiet } else { Tone::Plain }, cells)
}

/// One alert that there is, or could be.
struct Alert<'a> {
    rule: &'a Rule,
    cluster: &'a str,
    level: Level,
    entity: &'a Entity,
}

fn explain(settings: &Settings, args: &Explain) -> Result<String, Stop> {
    let set = load::rules(settings)?.set;
    let rule = load::rule(&set, settings, &args.rule)?;
    let clusters: Vec<&String> = match &args.cluster {
        None => rule.clusters.iter().collect(),
        Some(name) => rule.clusters.iter().filter(|cluster| *cluster == name).collect(),
    };
    if clusters.is_empty() {
        let name = args.cluster.as_deref().unwrap_or_default();
        return Err(Stop::unknown("cluster", name, rule.clusters.iter().map(String::as_str)));
    }
    let now = Clock::system().now();
    let present = Present::read(settings, now)?;
    let speakers = speakers(settings, &set, &present.open);
    let causes = Causes {
        now,
        zone: settings.timezone,
        silences: &present.silences,
        windows: settings.routing.open_windows(now),
        speakers: &speakers,
        undecided: None,
    };
    let entity = args.entity.clone().unwrap_or_default();
    let levels: BTreeSet<Level> = rule.policy.levels.iter().map(|policy| policy.level).collect();
    let mut parts = Vec::new();
    for cluster in clusters {
        for level in args.level.map_or_else(|| levels.iter().copied().collect(), |level| vec![level]) {
            let way = Alert { rule: &rule, cluster, level, entity: &entity };
            parts.push(way.explain(settings, &causes, &present.flapped));
        }
    }
    Ok(parts.join("\n"))
}

/// What the store knows at this moment; without one, nothing is withheld.
#[derive(Default)]
struct Present {
    silences: Vec<Silence>,
    open: Vec<OpenAlert>,
    flapped: Flapped,
}

impl Present {
    fn read(settings: &Settings, now: Time) -> Result<Self, Stop> {
        let read = |store: Reader| {
            let (silences, open) = (store.silences(now)?, store.alerts()?);
            Ok(Self { silences, open, flapped: Flapped::read(&store, now)? })
        };
        match Reader::open(&settings.store.path).and_then(read) {
            Err(StoreError::Missing { .. }) => Ok(Self::default()),
            read => Ok(read?),
        }
    }
}

/// Whoever speaks for others, as the daemon knows them.
fn speakers(settings: &Settings, set: &RuleSet, open: &[OpenAlert]) -> Speakers {
    let mut speakers = Speakers::new(settings.routing.inhibit.clone());
    let keys: BTreeSet<_> = open.iter().map(|open| &open.key).collect();
    for key in keys {
        let Some(rule) = set.rules.get(&key.rule) else { continue };
        let firing = open.iter().filter(|open| open.key == *key && open.alert.level.is_some());
        let firing = firing.map(|open| rule.labels_of(&open.key.cluster, &open.entity, open.alert.level));
        speakers.replace(&key.rule, &key.cluster, firing);
    }
    speakers
}

impl Alert<'_> {
    fn explain(&self, settings: &Settings, causes: &Causes<'_>, flapped: &Flapped) -> String {
        let labels = self.rule.labels_of(self.cluster, self.entity, Some(self.level));
        let of = if self.entity.is_empty() { String::new() } else { format!(", {}", self.entity) };
        let mut text = format!(
            "{} on {}, {}{of}\n",
            self.rule.id,
            self.cluster,
            Tone::from(self.level).paint(self.level.name())
        );
        let names = self.rule.sinks_for(self.level);
        let direct: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != ROUTES).collect();
        if !direct.is_empty() {
            text += &format!("  its rule names {}\n", direct.join(", "));
        }
        let mut told: Vec<String> = direct.iter().map(|name| (*name).to_owned()).collect();
        if names.iter().any(|name| name == ROUTES) {
            text += &path(&settings.routing.routes, &labels, causes.now);
            for (sink, waits) in route::whom(&settings.routing.routes, &labels, causes.now) {
                if !told.iter().any(|known| known == sink) {
                    told.push(waits.map_or(sink.to_owned(), |_| format!("{sink} (when its hours begin)")));
                }
            }
        }
        text += &format!("  told: {}\n", if told.is_empty() { "nobody".to_owned() } else { told.join(", ") });
        text += &flapped.in_words(self, settings.timezone, causes.now);
        let withheld = causes.of(&labels).map(|cause| cause.words(causes.now, causes.zone));
        match withheld {
            Some(words) => text += &format!("  {}\n", Tone::Waiting.paint(&format!("withheld now: {words}"))),
            None => text += "  nothing withholds it now\n",
        }
        text
    }
}

fn path(routes: &[Route], labels: &Labels<'_>, now: Time) -> String {
    let mut text = String::new();
    for (n, (route, answer)) in routes.iter().zip(route::walk(routes, labels, now)).enumerate() {
        let (tone, why) = in_words(route, answer, labels);
        text += &format!("  {} {}: {}\n", n + 1, route.show(), tone.paint(&why));
    }
    text
}

fn in_words(route: &Route, answer: Answer<'_>, labels: &Labels<'_>) -> (Tone, String) {
    let sinks = route.notify.join(", ");
    match answer {
        Answer::Taken if route.goes_on => (Tone::Clear, format!("tells {sinks}, and goes on")),
        Answer::Taken => (Tone::Clear, format!("tells {sinks}")),
        Answer::Asleep(hours) => {
            (Tone::Waiting, format!("would tell {sinks}, but not at this hour ({hours})"))
        }
        Answer::Other(miss) => match labels.get(&miss.name) {
            "" => (Tone::Quiet, format!("no, it has no {}", miss.name)),
            value => (Tone::Quiet, format!("no, its {} is {value}", miss.name)),
        },
        Answer::Milder(floor) => (Tone::Quiet, format!("no, it is below {floor}")),
        Answer::NotAsked => (Tone::Quiet, "not asked, a route above has taken it".to_owned()),
    }
}
