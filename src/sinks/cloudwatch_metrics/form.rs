//! Data points as the form that `PutMetricData` takes, cut into requests.

use std::fmt::Write;

use chrono::SecondsFormat;

use super::{
    super::{amazon::part::Part, percent_encoded},
    datum::Datum,
};
use crate::model::{
    notification::{Change, Notification},
    published::Published,
    wording,
};

/// One request takes no more than this.
const MOST_BYTES: usize = 1_000_000;
const MOST_DATA: usize = 1000;

/// What every request starts with.
pub fn head(namespace: &str) -> String {
    format!("Action=PutMetricData&Version=2010-08-01&Namespace={}", percent_encoded(namespace))
}

/// What becomes data points of its own.
enum Item<'a> {
    Alert(&'a Change),
    Reading(&'a Published),
}

/// The worst alert first, then readings as they stand.
fn items(notification: &Notification) -> Vec<Item<'_>> {
    let alerts = wording::worst_first(notification).into_iter().map(Item::Alert);
    alerts.chain(notification.readings.iter().map(Item::Reading)).collect()
}

fn data_of(notification: &Notification, item: &Item<'_>, part: Part) -> Vec<Datum> {
    match item {
        Item::Alert(change) => {
            let value = Datum::of_value(notification, change).filter(|_| !part.is_short());
            std::iter::once(Datum::of_level(notification, change)).chain(value).collect()
        }
        Item::Reading(reading) => Datum::of_reading(notification, reading),
    }
}

/// The fields of one request without its head, of `head` bytes: from `part.from` on as many as it takes. `None` where none are
/// left. Where the last request has no room for all, it counts the others.
pub fn fields_of(notification: &Notification, part: Part, head: usize) -> Option<(String, Part)> {
    let items = items(notification);
    let left = items.get(part.from..).filter(|left| !left.is_empty())?;
    let (mut fields, mut count, mut to) = (String::new(), 0, part.from);
    for item in left {
        let data = data_of(notification, item, part);
        let next: String = data.iter().zip(count + 1..).map(|(datum, n)| field_of(n, datum)).collect();
        let is_full = count + data.len() > MOST_DATA || head + fields.len() + next.len() > MOST_BYTES;
        if count > 0 && is_full {
            break;
        }
        fields.push_str(&next);
        (count, to) = (count + data.len(), to + 1);
    }
    if part.is_last() && to < items.len() {
        fields = field_of(1, &Datum::of_left_out(notification, left.len()));
        to = items.len();
    }
    Some((fields, Part { to, ..part }))
}

/// The whole notification in one data point.
pub fn plain(notification: &Notification, part: Part) -> Option<(String, Part)> {
    let to = notification.alerts.len() + notification.readings.len();
    (part.from < to).then(|| (field_of(1, &Datum::of_all(notification)), Part { to, ..part }))
}

/// One data point, as the n-th of its request.
fn field_of(n: usize, datum: &Datum) -> String {
    let mut out = String::new();
    let mut field = |name: &str, value: &str| {
        let _infallible = write!(out, "&MetricData.member.{n}.{name}={}", percent_encoded(value));
    };
    field("MetricName", datum.name);
    field("Value", &format!("{:?}", datum.value));
    field("Unit", datum.unit);
    field("Timestamp", &datum.at.to_rfc3339_opts(SecondsFormat::Secs, true));
    for (at, (name, value)) in datum.dimensions.iter().enumerate() {
        field(&format!("Dimensions.member.{}.Name", at + 1), name);
        field(&format!("Dimensions.member.{}.Value", at + 1), value);
    }
    out
}
