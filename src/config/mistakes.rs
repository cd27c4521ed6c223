//! Every mistake of form in one map: what is wrong is told, taken out, and the rest is read again.

use serde::de::DeserializeOwned;

use super::{
    complaint::Complaint,
    node::{Node, Value},
    place::Place,
    wrong::{Step, Wrong},
};

/// More than these in one rule help nobody, and each costs a reading.
const MOST: usize = 20;

/// Reads a node as a `T`, or tells all that is wrong with it.
pub fn read_whole<T: DeserializeOwned>(node: &Node) -> Result<T, Vec<Complaint>> {
    let mut wrong = match T::deserialize(node) {
        Ok(value) => return Ok(value),
        Err(wrong) => wrong,
    };
    let mut rest = node.clone();
    let mut out = TakenOut::default();
    let mut complaints = Vec::new();
    loop {
        let told = !out.explains(&rest, &wrong);
        let gone = out.take(&mut rest, &wrong);
        complaints.extend(told.then_some(wrong.complaint));
        if !gone || complaints.len() >= MOST {
            return Err(complaints);
        }
        wrong = match T::deserialize(&rest) {
            Ok(_) => return Err(complaints),
            Err(next) => next,
        };
    }
}

/// What was taken out: whoever misses it later says nothing new.
#[derive(Default)]
struct TakenOut(Vec<Gone>);

struct Gone {
    /// Where the map stands that had it: places outlast the taking out.
    map: Place,
    key: String,
    hint: Option<String>,
}

impl TakenOut {
    fn explains(&self, node: &Node, wrong: &Wrong) -> bool {
        let Some(missing) = wrong.missing else { return false };
        let Some(map) = follow(node, &wrong.way) else { return false };
        let meant = format!("did you mean `{missing}`?");
        self.0.iter().any(|gone| {
            gone.map == map.place && (gone.key == missing || gone.hint.as_deref() == Some(meant.as_str()))
        })
    }

    /// `false` where nothing is left that could be taken out: the whole is wrong.
    fn take(&mut self, node: &mut Node, wrong: &Wrong) -> bool {
        let kinds = wrong.way.iter().take_while(|step| **step == Step::Kind).count();
        let Some((last, above)) = wrong.way[kinds..].split_first() else { return false };
        let Some(parent) = follow_mut(node, above) else { return false };
        match (&mut parent.value, last) {
            (Value::Map(entries), Step::Entry(at)) if *at < entries.len() => {
                let (key, _) = entries.remove(*at);
                self.0.push(Gone { map: parent.place, key: key.text, hint: wrong.complaint.hint.clone() });
                true
            }
            (Value::List(items), Step::Item(at)) if *at < items.len() => {
                items.remove(*at);
                true
            }
            _ => false,
        }
    }
}

fn follow<'n>(node: &'n Node, way: &[Step]) -> Option<&'n Node> {
    way.iter().rev().try_fold(node, |node, step| match (&node.value, step) {
        (Value::Map(entries), Step::Entry(at)) => entries.get(*at).map(|(_, below)| below),
        (Value::Map(entries), Step::Kind) => entries.first().map(|(_, below)| below),
        (Value::List(items), Step::Item(at)) => items.get(*at),
        _ => None,
    })
}

fn follow_mut<'n>(node: &'n mut Node, way: &[Step]) -> Option<&'n mut Node> {
    way.iter().rev().try_fold(node, |node, step| match (&mut node.value, step) {
        (Value::Map(entries), Step::Entry(at)) => entries.get_mut(*at).map(|(_, below)| below),
        (Value::Map(entries), Step::Kind) => entries.first_mut().map(|(_, below)| below),
        (Value::List(items), Step::Item(at)) => items.get_mut(*at),
        _ => None,
    })
}
