//! What waited while a sink took nothing, in fewer messages: for people the net change of each alert, for services that keep
//! a state the newest trigger and resolve of each alert. Nothing is lost: what is not told line by line is counted.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::{
    Ending, Kind, Level, Time, identity,
    notification::{Change, Delivery, Passed, Status, in_reading_order},
    wording,
};

/// How many episodes of one alert that came and went are lines of their own; those before them are counted.
const LINES: usize = 5;

/// For people: one message for all that waits in a lane. Where every alert has a message of its own, an episode that they know
/// ends in its message, and what came after it is another.
pub fn for_people(waiting: &[Delivery]) -> Vec<Delivery> {
    let (lone, keep) = match waiting.iter().all(Delivery::is_of_one_alert) {
        true => (true, 0),
        false => (false, LINES),
    };
    pack(waiting, |alert, zone| {
        let known = lone && alert.len() > 1 && !began(&alert[0]);
        let kept = shorten(alert, keep, zone);
        let stage = |n: usize| usize::from(known && n > 0);
        let nets = kept.into_iter().map(|(episode, counted)| net(&episode, counted, zone));
        nets.enumerate().map(|(n, net)| (stage(n), net)).collect()
    })
}

/// For services that keep a state: of every alert the end of an episode that they know, then the newest trigger, then its end.
pub fn for_services(waiting: &[Delivery]) -> Vec<Delivery> {
    pack(waiting, |alert, zone| {
        let mut kept = Vec::new();
        for (episode, counted) in shorten(alert, 0, zone) {
            match episode.split_last() {
                Some((end, before)) if end.kind == Kind::Resolved && began(before) => {
                    kept.push(net(before, counted, zone));
                    kept.push(Net::of(end));
                }
                _ => kept.push(net(&episode, counted, zone)),
            }
        }
        kept.into_iter().enumerate().collect()
    })
}

/// The newest facts of all alerts of both; neither is news.
pub fn updates(older: &Delivery, newer: Delivery) -> Delivery {
    let known: Vec<&str> = newer.notification.alerts.iter().map(|change| change.alert_key.as_str()).collect();
    let others =
        older.notification.alerts.iter().filter(|change| !known.contains(&change.alert_key.as_str()));
    let others: Vec<Change> = others.cloned().collect();
    if others.is_empty() {
        return newer;
    }
    let mut nets: Vec<Net> = newer.notification.alerts.iter().map(Net::of).collect();
    nets.extend(others.iter().map(Net::of));
    message(&newer, nets)
}

/// A delivery without some of its alerts; `None` where nothing is left.
pub fn without(delivery: &Delivery, gone: impl Fn(&Change) -> bool) -> Option<Delivery> {
    let left: Vec<Net> =
        delivery.notification.alerts.iter().filter(|change| !gone(change)).map(Net::of).collect();
    (!left.is_empty()).then(|| message(delivery, left))
}

/// What is left of an episode, and the events that it stands for.
struct Net {
    change: Change,
    events: Vec<String>,
}

impl Net {
    fn of(change: &Change) -> Self {
        Self { change: change.clone(), events: vec![change.event_id.clone()] }
    }
}

/// What is known of one episode, in order.
type Episode = Vec<Change>;

fn began(episode: &[Change]) -> bool {
    episode.iter().any(|change| change.kind == Kind::Fired || change.came_and_went)
}

fn came_and_went(episode: &[Change]) -> bool {
    began(episode) && episode.last().is_some_and(|change| change.kind == Kind::Resolved)
}

/// The stories of the alerts, each in episodes, become as many messages as one of them has stages.
fn pack(waiting: &[Delivery], tell: impl Fn(&[Episode], Tz) -> Vec<(usize, Net)>) -> Vec<Delivery> {
    let Some(last) = waiting.last() else { return Vec::new() };
    let mut stages: BTreeMap<usize, Vec<Net>> = BTreeMap::new();
    for alert in stories(waiting) {
        for (stage, net) in tell(&alert, last.zone) {
            stages.entry(stage).or_default().push(net);
        }
    }
    let last_stage = stages.keys().next_back().copied();
    let mut messages = Vec::new();
    for (stage, nets) in stages {
        let base = if Some(stage) == last_stage { last } else { base(waiting, &nets) };
        messages.push(message(base, nets));
    }
    messages
}

/// What each alert went through, in the order in which alerts first appear.
fn stories(waiting: &[Delivery]) -> Vec<Vec<Episode>> {
    let mut stories: Vec<Vec<Episode>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for change in waiting.iter().flat_map(|delivery| &delivery.notification.alerts) {
        let place = *places.entry(&change.alert_key).or_insert(stories.len());
        if place == stories.len() {
            stories.push(Vec::new());
        }
        let story = &mut stories[place];
        let episode = *seen.entry(&change.episode_id).or_insert(story.len());
        if episode == story.len() {
            story.push(Vec::new());
        }
        story[episode].push(change.clone());
    }
    stories
}

/// The last delivery that spoke of one of them.
fn base<'a>(waiting: &'a [Delivery], nets: &[Net]) -> &'a Delivery {
    let speaks = |delivery: &&Delivery| {
        let mut alerts = delivery.notification.alerts.iter();
        alerts.any(|change| nets.iter().any(|net| net.change.event_id == change.event_id))
    };
    waiting.iter().rfind(speaks).unwrap_or(&waiting[0])
}

/// Episodes that came and went are counted in the one after them, but for the newest `keep`; with the events that are counted.
fn shorten(story: &[Episode], keep: usize, zone: Tz) -> Vec<(Episode, Vec<String>)> {
    let Some((newest, before)) = story.split_last() else { return Vec::new() };
    let whole = before.iter().filter(|episode| came_and_went(episode)).count();
    let mut to_count = whole.saturating_sub(keep);
    let (mut kept, mut passed): (Vec<_>, Vec<&Episode>) = (Vec::new(), Vec::new());
    for episode in before {
        if came_and_went(episode) && to_count > 0 {
            to_count -= 1;
            passed.push(episode);
        } else {
            kept.push(with_passed(episode, &std::mem::take(&mut passed), zone));
        }
    }
    kept.push(with_passed(newest, &passed, zone));
    kept
}

/// The count stands on the first change of an episode.
fn with_passed(episode: &[Change], passed: &[&Episode], zone: Tz) -> (Episode, Vec<String>) {
    let mut episode = episode.to_vec();
    let counted = passed.iter().flat_map(|one| one.iter().map(|change| change.event_id.clone())).collect();
    for one in passed.iter().rev() {
        let (Some(first), Some(last)) = (one.first(), one.last()) else { continue };
        let earlier = one.iter().find_map(|change| change.passed);
        let mut sum = Passed { episodes: 1, from: first.since, to: last.at };
        for known in earlier.into_iter().chain(episode[0].passed) {
            sum.episodes += known.episodes;
            (sum.from, sum.to) = (sum.from.min(known.from), sum.to.max(known.to));
        }
        let own = own_note(&episode[0], zone);
        episode[0].passed = Some(sum);
        episode[0].note = joined([Some(words(sum, zone)), own]);
    }
    (episode, counted)
}

/// A change's note without what it counts.
fn own_note(change: &Change, zone: Tz) -> Option<String> {
    let note = change.note.as_deref()?;
    let counted = change.passed.map(|passed| words(passed, zone)).unwrap_or_default();
    let own = note.strip_prefix(&counted).unwrap_or(note).trim_start_matches("; ");
    (!own.is_empty()).then(|| own.to_owned())
}

/// `came and went 7 times before, from 10:02 to 10:31`
fn words(passed: Passed, zone: Tz) -> String {
    let times = if passed.episodes == 1 { "once".to_owned() } else { format!("{} times", passed.episodes) };
    format!("came and went {times} before, from {}", span(passed.from, passed.to, " to ", zone))
}

/// Two times of day, with their dates where they differ.
fn span(from: Time, to: Time, between: &str, zone: Tz) -> String {
    let (from, to) = (from.with_timezone(&zone), to.with_timezone(&zone));
    let format = if from.date_naive() == to.date_naive() { "%H:%M" } else { "%-d %b %H:%M" };
    format!("{}{between}{}", from.format(format), to.format(format))
}

fn joined(notes: [Option<String>; 2]) -> Option<String> {
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// One episode in one line.
fn net(episode: &[Change], counted: Vec<String>, zone: Tz) -> Net {
    let mut events = counted;
    events.extend(episode.iter().map(|change| change.event_id.clone()));
    let news: Vec<&Change> = episode.iter().filter(|change| is_news(change)).collect();
    let newest = &episode[episode.len() - 1];
    let passed = episode.iter().find_map(|change| change.passed);
    let (kind, of, words) = match news[..] {
        [] => {
            let reminder = episode.iter().rfind(|change| change.kind == Kind::Reminded).unwrap_or(newest);
            (reminder.kind, reminder, None)
        }
        [only] => (only.kind, only, None),
        [first, .., last] => of_several(first, last, &news, zone),
    };
    let previous_level =
        if of.kind == Kind::Resolved { of.previous_level } else { episode[0].previous_level };
    let own = own_note(newest, zone).or_else(|| own_note(of, zone));
    let count = passed.map(|passed| self::words(passed, zone));
    let note = joined([joined([count, own]), words]);
    let (event_id, came_and_went) = (of.event_id.clone(), self::came_and_went(episode));
    let change = Change { kind, event_id, previous_level, note, passed, came_and_went, ..newest.clone() };
    Net { change, events }
}

fn is_news(change: &Change) -> bool {
    !matches!(change.kind, Kind::Reminded | Kind::Updated)
}

/// What several changes of one episode come to, which of them stands for all, and what has to be said of it.
fn of_several<'a>(
    first: &'a Change,
    last: &'a Change,
    news: &[&Change],
    zone: Tz,
) -> (Kind, &'a Change, Option<String>) {
    let highest = news.iter().map(|change| change.level).max().unwrap_or(last.level);
    let was_worse = (highest > last.level).then(|| format!("was {highest} meanwhile"));
    match (first.kind, last.kind) {
        (Kind::Fired, Kind::Resolved) => (Kind::Resolved, last, Some(came_and_went_words(first, last, zone))),
        (_, Kind::Resolved) => (Kind::Resolved, last, None),
        (Kind::Fired, _) => (Kind::Fired, first, was_worse),
        _ => (step(first.previous_level, last), last, was_worse),
    }
}

/// Up or down over all; what came back to where it was is told as it came back.
fn step(before: Option<Level>, last: &Change) -> Kind {
    match before.map(|before| last.level.cmp(&before)) {
        Some(std::cmp::Ordering::Greater) => Kind::Raised,
        Some(std::cmp::Ordering::Less) => Kind::Lowered,
        _ => last.kind,
    }
}

/// `fired 10:02, recovered 10:31, delivered late`
fn came_and_went_words(first: &Change, last: &Change, zone: Tz) -> String {
    let ended = if last.reason == Some(Ending::Cleared) { "recovered" } else { "closed" };
    format!("fired {}, delivered late", span(first.since, last.at, &format!(", {ended} "), zone))
}

/// A message like `base`, of these changes.
fn message(base: &Delivery, nets: Vec<Net>) -> Delivery {
    let mut delivery = base.clone();
    let events: Vec<String> = nets.iter().flat_map(|net| net.events.iter().cloned()).collect();
    let notification = &mut delivery.notification;
    notification.notification_id = identity::notification_id(&base.sink, events.iter().map(String::as_str));
    notification.alerts = in_reading_order(nets.into_iter().map(|net| net.change).collect());
    let alerts = &notification.alerts;
    notification.at = alerts.iter().map(|change| change.at).max().unwrap_or(notification.at);
    if notification.digest.is_none() {
        let over = alerts.iter().all(|change| change.kind == Kind::Resolved);
        notification.status = if over { Status::Resolved } else { Status::Firing };
        notification.level = alerts.iter().map(|change| change.level).max().unwrap_or(notification.level);
    }
    notification.text = wording::text(notification, delivery.zone);
    delivery
}

#[cfg(test)]
mod tests;
