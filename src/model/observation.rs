//! The outcome of one look.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{Entity, Reading, Reason};

/// The outcome of one evaluation. Never an error thrown away, never "OK" by default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Observation {
    Seen {
        findings: BTreeMap<Entity, Finding>,
        others: Others,
    },
    /// A complete answer with nothing in it; the words say of what.
    NoData(String),
    /// Proves nothing, and moves nothing.
    Indeterminate(Reason),
    /// The cluster cannot answer this question at all.
    NotApplicable(Reason),
}

impl Observation {
    /// Exactly one entity was looked at.
    pub fn one(entity: Entity, finding: Finding) -> Self {
        Self::Seen { findings: BTreeMap::from([(entity, finding)]), others: Others::Untouched }
    }

    /// How many entities were looked at.
    pub fn count(&self) -> usize {
        match self {
            Self::Seen { findings, .. } => findings.len(),
            _ => 0,
        }
    }

    /// Seen, with every finding unknown: as blind as indeterminate.
    pub fn is_blind(&self) -> bool {
        match self {
            Self::Seen { findings, .. } => {
                !findings.is_empty()
                    && findings.values().all(|finding| matches!(finding, Finding::Unknown(_)))
            }
            Self::Indeterminate(_) => true,
            Self::NoData(_) | Self::NotApplicable(_) => false,
        }
    }
}

/// In words: what was seen, or why nothing was.
impl fmt::Display for Observation {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seen { findings, .. } => match findings.values().find_map(Finding::unknown) {
                Some(reason) if self.is_blind() => write!(to, "{reason}"),
                _ => write!(to, "{} seen", findings.len()),
            },
            Self::NoData(words) => to.write_str(words),
            Self::Indeterminate(reason) | Self::NotApplicable(reason) => write!(to, "{reason}"),
        }
    }
}

/// What one look says of one entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Finding {
    Value(Reading),
    /// It was asked about and has no number; the words say why (`12 documents, fewer than min_total 50`).
    NoData(String),
    /// This entity's indeterminate; the others are judged.
    Unknown(Reason),
    /// It is gone from an exhaustive answer. Concluded by [`super::step()`], never by a check.
    Absent,
}

impl Finding {
    pub fn unknown(&self) -> Option<&Reason> {
        match self {
            Self::Unknown(reason) => Some(reason),
            _ => None,
        }
    }
}

/// What may be concluded of known entities that an answer does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Others {
    /// Nothing.
    Untouched,
    /// They are gone: the answer lists every entity there is.
    Absent,
    /// They are gone, but for a reason that will pass (a rolling restart): the clock of their absence stands.
    Excused,
    /// They had no documents in the window.
    NoData,
    /// Their number is 0: a complete count names everybody who has more. Where nobody is known, that of the whole is.
    Zero,
    /// The same, and once they are quiet nobody has to remember them: each was about something that happens once.
    Over,
}
