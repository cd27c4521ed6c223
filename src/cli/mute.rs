//! `mute`: nothing is told of some alerts for a while. Written beside the daemon, which sees it within a second.

use std::{collections::BTreeSet, process::ExitCode};

use super::{
    args::{self, Global},
    load,
    out::Out,
    paint::Tone,
    stop::{Code, Stop},
    words,
};
use crate::{
    clock::Clock,
    config::{RuleSet, Settings, routing},
    model::{
        Entity, Time,
        matcher::{self, MatchOp, Matcher},
        silence::{Silence, Terms},
        span, wording,
    },
    store::{OpenAlert, Reader, Silences, StoreError},
};

pub fn run(global: &Global, args: args::Mute, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let silences = Silences::open(&settings.store.path)?;
    let known = Known::read(&settings)?;
    if let Some(rule) = &args.rule {
        known.refuse_unknown(rule)?;
    }
    let mut matchers =
        args.rule.as_ref().map(|rule| Silence::matchers_of(rule, args.entity.as_ref())).unwrap_or_default();
    matchers.extend(args.matchers.iter().cloned());
    if known.is_everything(&matchers) && !args.yes {
        let shown = matcher::show(&matchers);
        return Err(Stop::Usage(format!(
            "`{shown}` matches every alert there is, so nobody would be told of anything\nhint: `--yes` does it all the same"
        )));
    }
    let now = Clock::system().now();
    let silence = Silence::new(matchers, terms(&args, now));
    for doubt in known.doubts(&silence, &args, now)? {
        out.print(&format!("{}: {doubt}\n", Tone::Warning.paint("warning")))?;
    }
    silences.put(&silence)?;
    let until = wording::when(silence.until, now, settings.timezone);
    let (what, span, id) = (subject(&silence), span::show(args.span), &silence.id);
    out.print(&format!(
        "muted {what} until {until} ({span}); what still fires then is told then\n`highwater unmute {id}` ends it before\n"
    ))?;
    Ok(Code::Fine.into())
}

fn terms(args: &args::Mute, now: Time) -> Terms {
    let who = args.owner.clone().unwrap_or_else(words::who);
    Terms { until: now + args.span, reason: args.reason.clone(), who, created: now }
}

/// `disk`, `disk for node=es-1`, or its matchers; one line, whatever was written there.
pub fn subject(silence: &Silence) -> String {
    wording::clean(&in_words(silence))
}

fn in_words(silence: &Silence) -> String {
    let rule = |matcher: &&Matcher| matcher.name == "rule" && matcher.op == MatchOp::Equal;
    let only_equal = silence.matchers.iter().all(|matcher| matcher.op == MatchOp::Equal);
    let Some(rule) = silence.matchers.iter().find(rule).filter(|_| only_equal) else {
        return matcher::show(&silence.matchers);
    };
    let rest = silence.matchers.iter().filter(|matcher| matcher.name != "rule");
    let labels: Vec<String> = rest.map(|matcher| format!("{}={}", matcher.name, matcher.value)).collect();
    if labels.is_empty() { rule.value.clone() } else { format!("{} for {}", rule.value, labels.join(",")) }
}

/// What there is to mute: rules from their files, and whatever the store remembers. During an incident either must do.
pub struct Known {
    ids: BTreeSet<String>,
    /// `None`: they hold a mistake, which must not keep anybody from muting what the store knows.
    rules: Result<RuleSet, Stop>,
    open: Vec<OpenAlert>,
}

impl Known {
    pub fn read(settings: &Settings) -> Result<Self, Stop> {
        let read = Reader::open(&settings.store.path).and_then(|store| Ok((store.load()?, store.alerts()?)));
        let (stored, open) = match read {
            Ok(read) => read,
            Err(StoreError::Missing { .. }) => Default::default(),
            Err(error) => return Err(error.into()),
        };
        let mut ids: BTreeSet<String> = stored.into_keys().map(|key| key.rule).collect();
        let rules = load::rules(settings).map(|loaded| loaded.set);
        if let Ok(set) = &rules {
            ids.extend(set.rules.keys().cloned());
            ids.extend(set.disabled.iter().cloned());
        }
        Ok(Self { ids, rules, open })
    }

    pub fn refuse_unknown(&self, rule: &str) -> Result<(), Stop> {
        if self.ids.contains(rule) {
            return Ok(());
        }
        Err(Stop::unknown("rule", rule, self.ids.iter().map(String::as_str)))
    }

    /// Whether no alert of any rule would be told.
    fn is_everything(&self, matchers: &[Matcher]) -> bool {
        let Ok(set) = &self.rules else { return matchers.is_empty() };
        let one_rule = matchers.iter().any(|matcher| matcher.name == "rule" && matcher.op == MatchOp::Equal);
        !one_rule && routing::matches_everything(matchers, set)
    }

    /// What a slip of the finger would look like.
    fn doubts(&self, silence: &Silence, args: &args::Mute, now: Time) -> Result<Vec<String>, Stop> {
        let mut doubts = Vec::new();
        if let Ok(set) = &self.rules
            && !routing::could_match(&silence.matchers, set)
        {
            let shown = matcher::show(&silence.matchers);
            doubts.push(format!("no rule has alerts that could match {shown}; is a name misspelt?"));
            return Ok(doubts);
        }
        let covers = |open: &&OpenAlert| silence.covers(&words::labels(open), now);
        if args.entity.is_some() && !self.open.iter().any(|open| covers(&open)) {
            let entity = args.entity.as_ref().map(Entity::to_string).unwrap_or_default();
            doubts.push(format!("nobody knows {entity} yet: no alert of it is pending or firing"));
        }
        Ok(doubts)
    }
}
