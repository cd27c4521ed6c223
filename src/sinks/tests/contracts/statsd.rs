use super::Contract;
use crate::{model::notification::Delivery, sinks::Message};

pub const CONTRACT: Contract = Contract {
    status: |_| "misconfigured",
    limits: counts_every_alert_in_small_datagrams,
    harmless: |message| datagrams(message).iter().try_for_each(|datagram| is_counters(datagram)),
    retry_after: false,
};

fn datagrams(message: &Message) -> &[String] {
    let Message::Datagrams(datagrams) = message else { panic!("{message:?}") };
    datagrams
}

fn counters(message: &Message) -> impl Iterator<Item = &str> {
    datagrams(message).iter().flat_map(|datagram| datagram.lines())
}

fn counts_every_alert_in_small_datagrams(message: &Message, delivery: &Delivery) {
    assert!(datagrams(message).iter().all(|datagram| datagram.len() <= 1432));
    let counted =
        |line: &str| line.rsplit_once(':').unwrap().1.trim_end_matches("|c").parse::<usize>().unwrap();
    assert_eq!(counters(message).map(counted).sum::<usize>(), delivery.notification.alerts.len());
}

/// `a.b.c:1|c` and nothing else.
fn is_counters(datagram: &str) -> Result<(), String> {
    let fine = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        (plain && name.split('.').count() == 5 && value == "1|c").then_some(())
    };
    datagram.lines().try_for_each(|line| fine(line).ok_or_else(|| format!("{line:?}")))
}
