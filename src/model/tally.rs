//! What is counted of a message: how many alerts it told to be firing, and how badly.

use std::collections::BTreeMap;

use super::{Kind, Level, notification::Notification};

/// Alerts that fired or were raised, by the level that was told. What was lowered, recovered, reminded of or shown anew is no
/// further alert.
pub fn told(notification: &Notification) -> BTreeMap<Level, u64> {
    let mut counts = BTreeMap::new();
    for change in
        notification.alerts.iter().filter(|change| matches!(change.kind, Kind::Fired | Kind::Raised))
    {
        *counts.entry(change.level).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Ending,
        samples::{change, notification, resolved},
    };

    #[test]
    fn an_alert_counts_when_it_fires_and_when_it_is_raised_and_never_when_it_eases() {
        let notification = notification(vec![
            change(Kind::Fired, Level::Warning),
            change(Kind::Raised, Level::Critical),
            change(Kind::Fired, Level::Critical),
            change(Kind::Lowered, Level::Warning),
            change(Kind::Reminded, Level::Warning),
            change(Kind::Updated, Level::Warning),
            resolved(Ending::Cleared),
        ]);
        assert_eq!(told(&notification), [(Level::Warning, 1), (Level::Critical, 2)].into());
    }
}
