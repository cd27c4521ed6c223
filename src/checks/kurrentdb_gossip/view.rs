//! One node's view of its cluster, reduced to what every node should see alike.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::{Cause, Reason, wording};

/// What one node says of all.
#[derive(Clone, Debug)]
pub struct View {
    /// Whose view it is.
    pub of: String,
    /// By endpoint and instance: a node that was restarted may be there twice.
    pub members: BTreeMap<(String, String), Member>,
}

/// One node, as another sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    Alive {
        state: String,
        epoch: String,
    },
    /// What it last was, each view remembers for itself.
    Dead,
}

/// Where a version of the server writes the endpoint that clients use; the newest first.
const ENDPOINTS: [(&str, &str); 2] =
    [("httpEndPointIp", "httpEndPointPort"), ("externalHttpIp", "externalHttpPort")];

impl View {
    /// Of `GET /gossip`.
    pub fn read(of: &str, body: &Value) -> Result<Self, Reason> {
        let members = body.get("members").and_then(Value::as_array).filter(|members| !members.is_empty());
        let members = members.ok_or_else(|| lacking("members"))?;
        let members = members.iter().map(member).collect::<Result<_, Reason>>()?;
        Ok(Self { of: of.to_owned(), members })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(|(endpoint, _)| endpoint.as_str())
    }

    /// `Master` until version 5.
    pub fn leaders(&self) -> impl Iterator<Item = &str> {
        let leads = |member: &Member| matches!(member, Member::Alive { state, .. } if matches!(state.as_str(), "Leader" | "Master"));
        self.members
            .iter()
            .filter(move |(_, member)| leads(member))
            .map(|((endpoint, _), _)| endpoint.as_str())
    }

    /// An instance that was replaced by a living one is nobody's loss.
    pub fn calls_dead(&self, endpoint: &str) -> bool {
        let mut instances = self.members.iter().filter(|((name, _), _)| name == endpoint).peekable();
        instances.peek().is_some() && instances.all(|(_, member)| *member == Member::Dead)
    }

    fn says_of(&self, endpoint: &str) -> String {
        let of_it = self.members.iter().filter(|((name, _), _)| name == endpoint);
        let said: Vec<String> = of_it.map(|((_, instance), member)| member.said(instance)).collect();
        if said.is_empty() { "unknown to it".to_owned() } else { said.join(" and ") }
    }
}

impl Member {
    fn said(&self, instance: &str) -> String {
        let instance: String = instance.chars().take(8).collect();
        match self {
            Self::Alive { state, epoch } => format!("{state} (instance {instance}, epoch {epoch})"),
            Self::Dead => format!("dead (instance {instance})"),
        }
    }
}

fn member(value: &Value) -> Result<((String, String), Member), Reason> {
    let endpoint = ENDPOINTS.into_iter().find_map(|(ip, port)| {
        let port = value.get(port)?.as_u64()?;
        Some(format!("{}:{port}", clean(value.get(ip)?.as_str()?)))
    });
    let endpoint = endpoint.ok_or_else(|| lacking("httpEndPointIp"))?;
    let instance = value.get("instanceId").and_then(Value::as_str).ok_or_else(|| lacking("instanceId"))?;
    let alive = value.get("isAlive").and_then(Value::as_bool).ok_or_else(|| lacking("isAlive"))?;
    let state = value.get("state").and_then(Value::as_str).ok_or_else(|| lacking("state"))?;
    let part = |name: &str| match value.get(name) {
        Some(Value::String(text)) => clean(text).chars().take(8).collect(),
        Some(Value::Number(number)) => number.to_string(),
        _ => "?".to_owned(),
    };
    let member = match alive {
        true => Member::Alive {
            state: clean(state),
            epoch: format!("{} {}", part("epochNumber"), part("epochId")),
        },
        false => Member::Dead,
    };
    Ok(((endpoint, clean(instance)), member))
}

fn clean(text: &str) -> String {
    wording::cut(&wording::clean(text), 64)
}

fn lacking(what: &str) -> Reason {
    Reason::new(Cause::Malformed, format!("answers something that is no gossip: it has no `{what}`"))
}

/// A line per member of which views say different things.
pub fn differences(views: &[View]) -> Vec<String> {
    let all: BTreeSet<&str> = views.iter().flat_map(View::names).collect();
    let mut lines = Vec::new();
    for endpoint in all {
        let mut said: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for view in views {
            said.entry(view.says_of(endpoint)).or_default().push(&view.of);
        }
        if said.len() > 1 {
            let said: Vec<String> =
                said.iter().map(|(what, who)| format!("{what} to {}", who.join(", "))).collect();
            lines.push(format!("{endpoint} is {}", said.join("; ")));
        }
    }
    lines
}
