mod answer;
mod request;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::request::{Look, Question, Step};
use super::{Answer, Asked, Belated, Destination, Endpoint, Message, Portions, Sink, Verdict};
use crate::model::{
    Kind, Level,
    notification::{Delivery, Handle},
    secret::{Part, Secret},
};

/// Opsgenie, and Jira Service Management, which speaks the same: one alert for each of ours, found again by its alias.
///
/// A change of level is a new priority and a note, a recovery closes the alert and says why; acknowledging is left to people.
/// Opsgenie says later what came of a request: that result is fetched, and nothing counts as delivered before it.
/// Of more than 20 alerts that fire at once, the worst 20 are alerts there, and one more stands for all others.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Opsgenie {
    /// Of an API integration that may create, update and close alerts.
    pub api_key: Secret,
    /// `https://api.opsgenie.com` where nothing else is said; of another region `https://api.eu.opsgenie.com`, of Jira Service Management `https://api.atlassian.com/jsm/ops/integration`.
    #[serde(default = "url")]
    pub url: Secret,
    /// Who is called; without it, whom the integration says.
    #[serde(default)]
    pub responders: Vec<Responder>,
    /// At most 20, each of at most 50 characters.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The priority that a level has there: `{ critical: P1, warning: P3, info: P5 }` where nothing else is said.
    #[serde(default)]
    pub priorities: Priorities,
}

/// A team, a person, an escalation or a schedule.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Responder {
    /// `team`, `user`, `escalation` or `schedule`.
    #[serde(rename = "type")]
    pub kind: ResponderKind,
    /// As Opsgenie shows it; of a user the address.
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResponderKind {
    Team,
    User,
    Escalation,
    Schedule,
}

/// A priority for each level.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Priorities {
    /// `P1` to `P5`.
    pub critical: Priority,
    /// `P1` to `P5`.
    pub warning: Priority,
    /// `P1` to `P5`.
    pub info: Priority,
}

impl Default for Priorities {
    fn default() -> Self {
        Self { critical: Priority::P1, warning: Priority::P3, info: Priority::P5 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Priority {
    P1,
    P2,
    P3,
    P4,
    P5,
}

impl Opsgenie {
    pub const EXAMPLE: &str = "opsgenie: { api_key: \"${env:OPSGENIE_API_KEY}\", url: \"https://api.opsgenie.com\", responders: [{ type: team, name: ops }], tags: [search] }";

    const fn priority(&self, level: Level) -> Priority {
        match level {
            Level::Critical => self.priorities.critical,
            Level::Warning => self.priorities.warning,
            Level::Info => self.priorities.info,
        }
    }
}

fn url() -> Secret {
    Secret::literal("https://api.opsgenie.com")
}

impl Sink for Opsgenie {
    fn destination(&self) -> Destination {
        let mut parts = vec![Part::Literal("GenieKey ".to_owned())];
        parts.extend(self.api_key.parts.iter().cloned());
        Destination::Http(Endpoint::new(self.url.clone()).header("Authorization", Secret { parts }))
    }

    fn render(&self, delivery: &Delivery, handle: Option<&Handle>) -> Message {
        request::message(self, first_step(delivery, handle), delivery)
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        let over = super::page::Page::of(delivery).is_over();
        request::plain(self, if over { Step::Close } else { Step::Create }, delivery)
    }

    fn render_instead(&self, delivery: &Delivery, refused: &Message) -> Message {
        let (Question::Step(step) | Question::Look(Look { of: step, .. })) = Question::of(refused);
        request::plain(self, step, delivery)
    }

    fn classify(&self, asked: &Asked<'_>, answer: &Answer) -> Verdict {
        answer::classify(self, asked, answer)
    }

    fn portions(&self) -> Portions {
        Portions::Each { most: 20, single: 20 }
    }

    fn belated(&self) -> Belated {
        Belated::Each
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        vec![("api_key", &self.api_key)]
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = super::complaint_about_url("url", &self.url).into_iter().collect();
        if self.tags.len() > 20 {
            complaints.push(format!("`tags` has {} tags; Opsgenie takes 20", self.tags.len()));
        }
        for tag in self.tags.iter().filter(|tag| tag.chars().count() > 50 || tag.is_empty()) {
            complaints.push(format!("tag `{tag}` has to have 1 to 50 characters"));
        }
        if self.responders.len() > 50 {
            complaints.push(format!("`responders` has {}; Opsgenie takes 50", self.responders.len()));
        }
        complaints
    }
}

/// What never became an alert there is one first, even if it has ended meanwhile: somebody has to hear of it.
fn first_step(delivery: &Delivery, handle: Option<&Handle>) -> Step {
    let page = super::page::Page::of(delivery);
    match page.kind() {
        _ if handle.is_none() => Step::Create,
        Some(Kind::Fired) => Step::Create,
        _ if page.is_over() => Step::Close,
        Some(Kind::Reminded | Kind::Updated) => Step::Note,
        _ => Step::Priority,
    }
}

#[cfg(test)]
mod tests;
