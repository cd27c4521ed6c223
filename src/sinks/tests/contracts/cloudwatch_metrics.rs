use std::collections::BTreeMap;

use super::Contract;
use crate::{
    model::notification::Delivery,
    sinks::{
        Message, percent_decoded,
        tests::{amazon::every_part, body},
    },
};

pub const CONTRACT: Contract = Contract {
    status: super::cloudwatch_logs::status,
    limits: keeps_to_cloudwatchs_limits,
    harmless: |message| parse(message).map(drop),
    retry_after: true,
};

/// A form's fields; what is not percent-encoded has no meaning.
pub fn parse(message: &Message) -> Result<BTreeMap<String, String>, String> {
    let mut fields = BTreeMap::new();
    for field in body(message).split('&') {
        let (name, value) = field.split_once('=').ok_or(field)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~%".contains(c);
        let (name, value) =
            (percent_decoded(name), value.chars().all(plain).then(|| percent_decoded(value)).ok_or(field)?);
        if !value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) || fields.insert(name, value).is_some() {
            return Err(field.to_owned());
        }
    }
    Ok(fields)
}

/// The data points of a request, each with its fields.
pub fn data(message: &Message) -> Vec<BTreeMap<String, String>> {
    let mut data: Vec<BTreeMap<String, String>> = Vec::new();
    let mut members: BTreeMap<usize, BTreeMap<String, String>> = BTreeMap::new();
    for (name, value) in parse(message).unwrap() {
        if let Some(rest) = name.strip_prefix("MetricData.member.") {
            let (n, field) = rest.split_once('.').unwrap();
            members.entry(n.parse().unwrap()).or_default().insert(field.to_owned(), value);
        }
    }
    for (at, (n, fields)) in members.into_iter().enumerate() {
        assert_eq!(n, at + 1, "members are counted without a gap");
        data.push(fields);
    }
    data
}

fn keeps_to_cloudwatchs_limits(message: &Message, delivery: &Delivery) {
    let mut levels = 0;
    let parts = every_part("cloudwatch_metrics", message, delivery);
    for part in &parts {
        assert!(body(part).len() <= 1_000_000, "{}", body(part).len());
        let data = data(part);
        assert!((1..=1000).contains(&data.len()));
        for fields in data {
            levels +=
                usize::from(["alert_level", "ended_without_proof"].contains(&fields["MetricName"].as_str()));
            assert!(fields["Value"].parse::<f64>().unwrap().is_finite());
            let dimensions = fields.iter().filter(|(name, _)| name.starts_with("Dimensions.member."));
            let lengths: Vec<(bool, usize)> =
                dimensions.map(|(name, value)| (name.ends_with(".Name"), value.len())).collect();
            assert!((1..=60).contains(&lengths.len()));
            assert!(
                lengths.iter().all(|(name, length)| (1..=if *name { 255 } else { 1024 }).contains(length))
            );
        }
    }
    let plain = crate::sinks::amazon::part::Part::of(&parts[0]).plain;
    let told = if plain { 1 } else { delivery.notification.alerts.len() };
    assert_eq!(levels, told, "every alert has its level");
}
