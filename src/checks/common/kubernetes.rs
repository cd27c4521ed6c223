//! What the kinds that look at Kubernetes share: how its API is reached, and what came of a list.

use super::{answered, fault};
use crate::model::{
    Reason,
    kubernetes::{Access, Listing, Node, Objects, Pod, Resource, Workload},
    query::{Query, Response},
};

/// How the API is reached, as a rule says it.
#[derive(Clone, Copy, Debug)]
pub struct Api<'a> {
    pub kubeconfig: Option<&'a str>,
    pub context: Option<&'a str>,
    pub namespaces: &'a [String],
}

impl Api<'_> {
    pub fn access(&self) -> Access {
        Access { kubeconfig: self.kubeconfig.map(str::to_owned), context: self.context.map(str::to_owned) }
    }

    pub fn list(&self, resource: Resource) -> Query {
        let namespaces = self.namespaces.to_vec();
        Query::kubernetes(Listing { access: self.access(), resource, namespaces })
    }

    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if !cfg!(feature = "kubernetes") {
            let complaint =
                "this highwater knows no Kubernetes; one that is built with the feature `kubernetes` does";
            complaints.push(complaint.to_owned());
        }
        for (name, value) in [("kubeconfig", self.kubeconfig), ("context", self.context)] {
            if value.is_some_and(|value| value.trim().is_empty()) {
                complaints.push(format!("`{name}` is empty; leave it out inside the cluster"));
            }
        }
        for name in self.namespaces.iter().filter(|name| !is_name(name)) {
            complaints.push(format!("`{name}` is no namespace; write its name, without patterns"));
        }
        let twice =
            self.namespaces.iter().enumerate().find(|(at, name)| self.namespaces[..*at].contains(name));
        complaints.extend(twice.map(|(_, name)| format!("`namespaces` names `{name}` twice")));
        complaints
    }
}

/// A label as DNS has it: what may stand in a path, and in a command that people copy.
pub fn is_name(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    !name.is_empty() && name.len() <= 253 && name.chars().all(fine) && !name.starts_with(['-', '.'])
}

pub fn pods(answers: &[Result<Response, Reason>], at: usize) -> Result<&[Pod], Reason> {
    match answered(answers, at)?.objects() {
        Some(Objects::Pods(pods)) => Ok(pods),
        _ => Err(fault("something else came back where pods were asked for")),
    }
}

pub fn nodes(answers: &[Result<Response, Reason>], at: usize) -> Result<&[Node], Reason> {
    match answered(answers, at)?.objects() {
        Some(Objects::Nodes(nodes)) => Ok(nodes),
        _ => Err(fault("something else came back where nodes were asked for")),
    }
}

pub fn workloads(answers: &[Result<Response, Reason>], at: usize) -> Result<&[Workload], Reason> {
    match answered(answers, at)?.objects() {
        Some(Objects::Workloads(workloads)) => Ok(workloads),
        _ => Err(fault("something else came back where workloads were asked for")),
    }
}
