//! Which of highwater's own alerts are open.

use super::{Own, OwnAlerts};

impl OwnAlerts {
    /// Sinks whose dead letters are an open alert.
    pub fn dead_letters(&self) -> Vec<String> {
        self.open(|own| match own {
            Own::DeadLetter { sink } => Some(sink),
            _ => None,
        })
    }

    /// Sinks that are gone, and an open alert.
    pub fn gone_sinks(&self) -> Vec<String> {
        self.open(|own| match own {
            Own::SinkGone { sink } => Some(sink),
            _ => None,
        })
    }

    /// Sinks that are an open alert for taking nothing.
    pub fn misconfigured_sinks(&self) -> Vec<String> {
        self.open(|own| match own {
            Own::SinkMisconfigured { sink } => Some(sink),
            _ => None,
        })
    }

    /// Sinks that are an open alert for what waits.
    pub fn full_outboxes(&self) -> Vec<String> {
        self.open(|own| match own {
            Own::Outbox { sink } => Some(sink),
            _ => None,
        })
    }

    /// Whose texts are an open alert: `rule NAME`, `sink NAME`.
    pub fn templates(&self) -> Vec<String> {
        self.open(|own| match own {
            Own::Template { of } => Some(of),
            _ => None,
        })
    }

    fn open<T>(&self, of: impl Fn(Own) -> Option<T>) -> Vec<T> {
        let open = self.watches.iter().filter(|(_, watch)| !watch.state.alerts.is_empty());
        open.filter_map(|(key, _)| of(Own::of(key)?)).collect()
    }

    /// Silences whose end is announced.
    pub fn announced_endings(&self) -> Vec<String> {
        self.open(|own| match own {
            Own::SilenceEnding { id, .. } => Some(id),
            _ => None,
        })
    }
}
