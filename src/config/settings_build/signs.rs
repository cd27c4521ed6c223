//! Signs of life: those that are sent, those that are heard, and where.

use std::net::SocketAddr;

use super::Builder;
use crate::config::{
    complaint::Complaint,
    near,
    settings::{Canary, Heartbeat, Server},
    settings_form::{CanaryForm, HeartbeatForm, ServerForm},
};

impl Builder<'_> {
    pub(super) fn heartbeat(&mut self) -> Option<Heartbeat> {
        self.sections.node.get("heartbeat")?;
        let form = self.sections.read::<HeartbeatForm>("heartbeat")?;
        let every = self.positive(form.every.0, &["heartbeat", "every"]);
        Some(Heartbeat { url: form.url, every })
    }

    /// Its sinks are named: whether it arrived is known of each.
    pub(super) fn canary(&mut self, sinks: &[String]) -> Option<Canary> {
        self.sections.node.get("canary")?;
        let form = self.sections.read::<CanaryForm>("canary")?;
        let every = self.positive(form.every.0, &["canary", "every"]);
        let mut notify = Vec::new();
        for name in form.notify {
            if !sinks.contains(&name.value) {
                let complaint = name.error(format!("unknown sink `{}`", name.value));
                let hint = near::hint(&name.value, sinks.iter().map(String::as_str));
                self.error(hint.into_iter().fold(complaint, Complaint::hint));
            } else if !notify.contains(&name.value) {
                notify.push(name.value);
            }
        }
        Some(Canary { every, notify })
    }

    pub(super) fn server(&mut self) -> Option<Server> {
        let ServerForm { listen, heartbeat_token } = self.sections.read::<ServerForm>("server")?;
        if let Some(token) = &heartbeat_token {
            self.no_literal(token, &["server", "heartbeat_token"]);
        }
        let form = listen?;
        let listen = form.value.parse::<SocketAddr>();
        if listen.is_err() {
            let text = &form.value;
            self.error(
                form.error(format!("`{text}` is not an address and a port; write one like `127.0.0.1:7585`")),
            );
        }
        Some(Server { listen: listen.ok()?, heartbeat_token })
    }
}
