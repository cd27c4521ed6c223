//! The door for mail: one connection per attempt, over SMTP.
//!
//! It sends nothing readable through a network unless the settings say so, connects to no link-local or metadata address, and
//! asks the server about each recipient on its own. Nothing that it says holds the password.

mod letter;
mod session;

#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use self::session::Session;
use crate::{
    model::{address, secret::Secret, wording},
    sinks::{Answer, Letter, MailServer, Mailbox},
};

/// How a secret is looked up, at each attempt; the error says what is missing and never what was found.
pub type Secrets<'a> = &'a (dyn Fn(&Secret) -> Result<String, String> + Send + Sync);

/// Why a mail did not come to an answer.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// Nothing was sent, and nothing would be next time.
    #[error("{0}")]
    Unsent(String),
    /// Whether it arrived is not known.
    #[error("{0}")]
    Lost(String),
}

/// The door. Connections are not kept: mails are rare, and servers hang up.
#[derive(Clone, Copy, Debug)]
pub struct Mail {
    timeout: Duration,
}

/// Where to, and as whom, with everything looked up.
struct Target {
    server: MailServer,
    password: Option<String>,
    ca: Option<Vec<u8>>,
}

impl Mail {
    /// `timeout` is the most that one attempt may take.
    pub const fn new(timeout: Duration) -> Self {
        Self { timeout }
    }

    /// One attempt.
    pub async fn send(&self, to: &Mailbox, letter: &Letter, secrets: Secrets<'_>) -> Answer {
        let target = match target(to, secrets).await {
            Ok(target) => target,
            Err(error) => return without_answer(error, &[]),
        };
        let hidden = hidden(&target);
        match tokio::time::timeout(self.timeout, post(&target, letter)).await {
            Ok(Ok(answer)) => silenced(answer, &hidden),
            Ok(Err(error)) => without_answer(error, &hidden),
            Err(_) => Answer::Lost("no answer in time".to_owned()),
        }
    }
}

async fn target(to: &Mailbox, secrets: Secrets<'_>) -> Result<Target, MailError> {
    let server = MailServer::parse(&secrets(&to.server).map_err(MailError::Unsent)?);
    let server = server.map_err(|why| MailError::Unsent(format!("`smtp`: {why}")))?;
    let password = to.password.as_ref().map(secrets).transpose().map_err(MailError::Unsent)?;
    if let Some(complaint) = server.complaint(password.is_some()) {
        return Err(MailError::Unsent(complaint));
    }
    let ca = match &to.ca {
        None => None,
        Some(path) => Some(tokio::fs::read(path).await.map_err(|error| {
            MailError::Unsent(format!("`ca`: cannot read `{}`: {}", path.display(), error.kind()))
        })?),
    };
    let password = password.map(|password| password.trim_end_matches(['\r', '\n']).to_owned());
    Ok(Target { server, password, ca })
}

async fn post(target: &Target, letter: &Letter) -> Result<Answer, MailError> {
    let bytes = letter::bytes(letter).map_err(MailError::Unsent)?;
    let addresses = resolve(&target.server).await?;
    let mut session = match Session::open(target, &addresses, &letter::host(letter)).await? {
        Ok(session) => session,
        Err(reply) => return Ok(Answer::Mail(reply)),
    };
    let reply = session.deliver(letter, &bytes).await?;
    session.close().await;
    Ok(Answer::Mail(reply))
}

/// Exactly the checked addresses are connected to.
async fn resolve(server: &MailServer) -> Result<Vec<std::net::SocketAddr>, MailError> {
    let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await;
    let found = found.map_err(|error| MailError::Lost(format!("its host is not found: {}", error.kind())))?;
    let allowed = address::allowed(found.collect()).map_err(|error| MailError::Unsent(error.to_string()))?;
    if allowed.is_empty() { Err(MailError::Lost("its host has no address".to_owned())) } else { Ok(allowed) }
}

/// The password as it may come back to us.
fn hidden(target: &Target) -> Vec<String> {
    let Some(password) = target.password.as_deref().filter(|password| password.len() >= 4) else {
        return Vec::new();
    };
    let user = target.server.user.as_deref().unwrap_or_default();
    let plain = STANDARD.encode(format!("\0{user}\0{password}"));
    vec![plain, STANDARD.encode(password), password.to_owned()]
}

fn silenced(answer: Answer, hidden: &[String]) -> Answer {
    let Answer::Mail(mut reply) = answer else { return answer };
    reply.said = without(hidden, &reply.said);
    for (_, said) in &mut reply.refused {
        *said = without(hidden, said);
    }
    Answer::Mail(reply)
}

fn without_answer(error: MailError, hidden: &[String]) -> Answer {
    match error {
        MailError::Unsent(why) => Answer::Unsent(without(hidden, &why)),
        MailError::Lost(why) => Answer::Lost(without(hidden, &why)),
    }
}

fn without(hidden: &[String], text: &str) -> String {
    let text = hidden.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"));
    wording::cut(&wording::clean(&text), 256)
}
