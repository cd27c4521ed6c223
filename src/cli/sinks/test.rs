//! `sinks test`: a message that is marked as a test, sent as a real one would be, and what the service said to it.

use std::{collections::BTreeMap, process::ExitCode, sync::Arc};

use crate::{
    cli::{
        block_on,
        out::Out,
        paint::Tone,
        stop::{Code, Stop},
    },
    clock::Clock,
    config::Settings,
    engine::{deliver::Door, doors::Doors, start::reveal},
    model::{
        Ending, Entity, Kind, Level, Number, Reading, Time, Transition, Unit, identity,
        notification::{Change, Delivery, Notification, Status},
        wording,
    },
    sinks::{self, Answer, Destination, Sink, Verdict},
};

/// One message of the test alert's life. Its peak is the highest value that was shown until then.
#[derive(Clone, Copy, Debug)]
struct Stage {
    kind: Kind,
    level: Level,
    value: i64,
    peak: i64,
}

/// An alert and its recovery.
const SHORT: [Stage; 2] = [
    Stage { kind: Kind::Fired, level: Level::Warning, value: 91, peak: 91 },
    Stage { kind: Kind::Resolved, level: Level::Warning, value: 40, peak: 91 },
];
/// The same with all that may be between.
const LIFE: [Stage; 3] = [
    SHORT[0],
    Stage { kind: Kind::Raised, level: Level::Critical, value: 97, peak: 97 },
    Stage { kind: Kind::Resolved, level: Level::Critical, value: 40, peak: 97 },
];

pub fn run(settings: &Settings, name: &str, life: bool, out: Out) -> Result<ExitCode, Stop> {
    let Some(sink) = settings.sinks.get(name) else {
        return Err(Stop::unknown("sink", name, settings.sinks.keys().map(String::as_str)));
    };
    let stages: &[Stage] = if life { &LIFE } else { &SHORT };
    let taken = block_on(test(settings, name, (sink.clone(), stages), out))?;
    Ok(if taken { Code::Fine } else { Code::No }.into())
}

/// One message after the other, through the door that the daemon uses. None is sent where the one before it was not taken.
async fn test(
    settings: &Settings,
    name: &str,
    (sink, stages): (Arc<dyn Sink>, &[Stage]),
    out: Out,
) -> Result<bool, Stop> {
    let clock = Clock::system();
    let door = Door::new(settings.delivery.timeout, clock.clone(), reveal())
        .map_err(|error| Stop::Fault(error.to_string()))?;
    let door = match sink.destination() {
        Destination::History { .. } => {
            let doors = Doors::open(settings, &clock, &reveal());
            let doors = doors.map_err(|error| Stop::Config(error.to_string()))?;
            door.with_clusters(doors.clusters().clone())
        }
        _ => door,
    };
    let since = clock.now();
    let mut handle = None;
    for stage in stages {
        let kind = stage.kind;
        let delivery = delivery(settings, name, stage, since);
        let tried = door.try_out(sink.as_ref(), &delivery, handle.as_ref()).await;
        out.print(&in_words(name, kind, &tried.answer, &tried.verdict))?;
        match tried.verdict {
            Verdict::Accepted { handle: given } => handle = given,
            _ => return Ok(false),
        }
        if kind != Kind::Resolved {
            tokio::time::sleep(sink.pace()).await;
        }
    }
    Ok(true)
}

fn in_words(name: &str, kind: Kind, answer: &Answer, verdict: &Verdict) -> String {
    let what = match kind {
        Kind::Fired => "the test alert",
        Kind::Resolved => "its recovery",
        _ => "that it is critical",
    };
    match verdict {
        Verdict::Accepted { .. } | Verdict::Then { .. } | Verdict::Wait { .. } => {
            let said = match answer {
                Answer::Http { status, body, .. } => format!("; it {}", sinks::in_words(*status, body)),
                _ => String::new(),
            };
            format!("{}: {what}, to {name}{said}\n", Tone::Clear.paint("delivered"))
        }
        Verdict::Later { after, why } => {
            let after = after.map(|after| format!(", and asks for {}", crate::model::span::show(after)));
            let after = after.unwrap_or_default();
            format!(
                "{}: {what}: {name} {why}{after}; highwater would try again\n",
                Tone::Warning.paint("not now")
            )
        }
        Verdict::Never { why } => {
            format!(
                "{}: {what}: {name} {why}; it will not take this message\n",
                Tone::Critical.paint("refused")
            )
        }
        Verdict::Misconfigured { why } => {
            let words = "nothing will arrive until its settings are mended";
            format!("{}: {what}: {name} {why}; {words}\n", Tone::Critical.paint("misconfigured"))
        }
    }
}

/// As the engine would compose it, but marked.
fn delivery(settings: &Settings, sink: &str, stage: &Stage, since: Time) -> Delivery {
    let Stage { kind, level, value, peak } = *stage;
    let change = Change::new(
        "highwater-test",
        "highwater",
        &Transition {
            entity: Entity::of("test", "highwater"),
            kind,
            level,
            previous_level: (kind == Kind::Raised).then_some(Level::Warning),
            since,
            at: since,
            n: match kind {
                Kind::Fired => 0,
                Kind::Resolved => 2,
                _ => 1,
            },
            reading: Some(Reading::new(Number::Int(value), Unit::Percent)),
            threshold: Some(Number::Int(if level == Level::Critical { 95 } else { 90 })),
            peak: Some(Number::Int(peak)),
            ending: (kind == Kind::Resolved).then_some(Ending::Cleared),
        },
    );
    let mut notification = Notification {
        version: 1,
        notification_id: identity::notification_id(sink, [change.event_id.as_str()]),
        rule: "highwater-test".to_owned(),
        summary: "A test message of highwater; nothing is wrong".to_owned(),
        title: None,
        cluster: "highwater".to_owned(),
        at: since,
        status: if kind == Kind::Resolved { Status::Resolved } else { Status::Firing },
        level,
        text: String::new(),
        labels: BTreeMap::new(),
        runbook: None,
        alerts: vec![change],
        readings: Vec::new(),
        note: None,
        digest: None,
        test: true,
    };
    notification.text = wording::text(&notification, settings.timezone);
    Delivery::of_rule(sink, notification, settings.timezone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_the_highest_value_that_was_shown() {
        for stages in [&SHORT[..], &LIFE[..]] {
            let mut highest = i64::MIN;
            for stage in stages {
                highest = highest.max(stage.value);
                assert_eq!(stage.peak, highest, "{stage:?}");
            }
            let (first, last) = (stages[0], stages[stages.len() - 1]);
            assert_eq!((first.kind, last.kind), (Kind::Fired, Kind::Resolved));
            let worst = stages.iter().map(|stage| stage.level).max();
            assert_eq!(Some(last.level), worst, "it ends at the level that was told last");
        }
    }
}
