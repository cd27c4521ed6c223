//! What is wrong with a node, as serde's error: the complaint, and the way to the part that is wrong.

use std::fmt;

use serde::de;

use super::{
    complaint::Complaint,
    near,
    node::{Node, Seen, Value},
    place::Place,
};

/// A complaint as serde's error.
#[derive(Debug)]
pub struct Wrong {
    pub complaint: Complaint,
    /// From the part that is wrong up to the whole.
    pub way: Vec<Step>,
    /// The key that is not there, if that is the complaint.
    pub missing: Option<&'static str>,
}

/// One step down from a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    Entry(usize),
    Item(usize),
    /// To what the only key of a kind holds.
    Kind,
}

impl Wrong {
    pub fn new(complaint: Complaint) -> Self {
        Self { complaint, way: Vec::new(), missing: None }
    }

    pub fn at(self, node: &Node) -> Self {
        self.placed(node.head())
    }

    pub fn placed(mut self, place: Place) -> Self {
        self.complaint = self.complaint.at(place);
        self
    }

    pub fn below(mut self, step: Step) -> Self {
        self.way.push(step);
        self
    }

    pub fn expected(what: &str, found: &Node) -> Self {
        let message = match &found.value {
            Value::Scalar { seen: Seen::Nothing, .. } => format!("a value is missing here; expected {what}"),
            Value::Scalar {
                text, seen: Seen::Int(_) | Seen::Float(_) | Seen::Bool(_) | Seen::Text, ..
            } if text.len() <= 40 && !text.contains('\n') => {
                format!("expected {what}, found `{text}`")
            }
            _ => format!("expected {what}, found {}", found.kind()),
        };
        Self::new(Complaint::error(message)).at(found)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.complaint.message)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Complaint::error(message.to_string()))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let mut complaint = Complaint::error(format!("unknown key `{field}`"));
        complaint.hint = near::hint(field, expected.iter().copied());
        Self::new(complaint)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let mut complaint = Complaint::error(format!("unknown kind `{variant}`"));
        complaint.hint = near::hint(variant, expected.iter().copied());
        Self::new(complaint)
    }

    fn missing_field(field: &'static str) -> Self {
        let complaint = Complaint::error(format!("`{field}` is missing"));
        Self { missing: Some(field), ..Self::new(complaint) }
    }
}
