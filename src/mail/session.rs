//! One conversation with a mail server.

use std::{net::SocketAddr, time::Duration};

use lettre::{
    Address,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::ClientId,
        response::Response,
    },
};

use super::{MailError, Target, letter};
use crate::sinks::{Letter, MailReply, MailStep, MailTls};

const CONNECT: Duration = Duration::from_secs(5);
const FAREWELL: Duration = Duration::from_secs(1);

pub struct Session {
    connection: AsyncSmtpConnection,
}

/// A refusal in the middle is an answer, too.
type Step<T> = Result<Result<T, MailReply>, MailError>;

impl Session {
    /// Connected, encrypted as far as the settings say, and known to the server.
    pub async fn open(target: &Target, addresses: &[SocketAddr], hello: &str) -> Step<Self> {
        let hello = ClientId::Domain(hello.to_owned());
        let server = &target.server;
        let tls = if server.tls == MailTls::Never { None } else { Some(tls(target)?) };
        let first = tls.clone().filter(|_| server.tls == MailTls::Implicit);
        let connected = AsyncSmtpConnection::connect_tokio1(addresses, Some(CONNECT), &hello, first, None);
        let mut connection = match said(MailStep::Greeting, connected.await)? {
            Ok(connection) => connection,
            Err(reply) => return Ok(Err(reply)),
        };
        if let (MailTls::Starttls, Some(tls)) = (server.tls, tls) {
            if !connection.can_starttls() {
                connection.abort().await;
                let why = "it offers no STARTTLS, and nothing is sent as plain text; `smtps://` or `?starttls=never` say otherwise";
                return Err(MailError::Unsent(why.to_owned()));
            }
            if let Err(reply) = said(MailStep::Greeting, connection.starttls(tls, &hello).await)? {
                return Ok(Err(reply));
            }
        }
        let mut session = Self { connection };
        Ok(session.log_in(target).await?.map(|()| session))
    }

    async fn log_in(&mut self, target: &Target) -> Step<()> {
        let (Some(user), Some(password)) = (&target.server.user, &target.password) else {
            return Ok(Ok(()));
        };
        let ways = [Mechanism::Plain, Mechanism::Login];
        if self.connection.server_info().get_auth_mechanism(&ways).is_none() {
            self.connection.abort().await;
            let why = "it takes no user and password (neither `AUTH PLAIN` nor `AUTH LOGIN`)";
            return Err(MailError::Unsent(why.to_owned()));
        }
        let credentials = Credentials::new(user.clone(), password.clone());
        let answer = said(MailStep::Login, self.connection.auth(&ways, &credentials).await)?;
        if answer.is_err() {
            self.connection.abort().await;
        }
        Ok(answer.map(|_| ()))
    }

    /// To everybody who is taken; who is not is in the reply.
    pub async fn deliver(&mut self, letter: &Letter, bytes: &[u8]) -> Result<MailReply, MailError> {
        let from = address(&letter.from)?;
        if let Err(reply) =
            said(MailStep::Sender, self.connection.command(Mail::new(Some(from), Vec::new())).await)?
        {
            return Ok(reply);
        }
        let mut refused: Vec<(String, MailReply)> = Vec::new();
        for to in &letter.missing {
            let command = Rcpt::new(address(to)?, Vec::new());
            if let Err(reply) = said(MailStep::Recipients, self.connection.command(command).await)? {
                refused.push((to.clone(), reply));
            }
        }
        if refused.len() == letter.missing.len() {
            return Ok(mildest(refused));
        }
        let refused = refused.into_iter().map(|(to, reply)| (to, reply.said)).collect();
        match said(MailStep::Content, self.connection.command(Data).await)? {
            Ok(_) => {}
            Err(reply) => return Ok(reply),
        }
        Ok(match said(MailStep::Content, self.connection.message(bytes).await)? {
            Ok(taken) => MailReply { refused, ..reply(MailStep::Content, &taken) },
            Err(reply) => reply,
        })
    }

    /// It was taken: whatever happens to a farewell changes nothing.
    pub async fn close(mut self) {
        let _late = tokio::time::timeout(FAREWELL, self.connection.quit()).await;
    }
}

/// Nobody was taken: as long as one may be later, all is tried again.
fn mildest(refused: Vec<(String, MailReply)>) -> MailReply {
    let all = refused.iter().map(|(to, reply)| (to.clone(), reply.said.clone())).collect();
    let mildest = refused.into_iter().map(|(_, reply)| reply).min_by_key(|reply| reply.code);
    let none = MailReply {
        step: MailStep::Recipients,
        code: 554,
        said: "there are no recipients".to_owned(),
        refused: Vec::new(),
    };
    MailReply { refused: all, ..mildest.unwrap_or(none) }
}

fn tls(target: &Target) -> Result<TlsParameters, MailError> {
    let wrong = |error: Error| MailError::Unsent(format!("TLS cannot begin: {}", words(&error)));
    let mut builder = TlsParameters::builder(target.server.host.clone());
    if let Some(ca) = &target.ca {
        let certificate = Certificate::from_pem(ca);
        let no_ca = |_| MailError::Unsent("`ca` holds no certificate in PEM".to_owned());
        builder = builder.add_root_certificate(certificate.map_err(no_ca)?);
    }
    builder.build_rustls().map_err(wrong)
}

fn address(text: &str) -> Result<Address, MailError> {
    letter::mailbox(text).map(|mailbox| mailbox.email).map_err(MailError::Unsent)
}

/// The server's own no, apart from everything that kept it from answering.
fn said<T>(step: MailStep, result: Result<T, Error>) -> Step<T> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => match error.status() {
            Some(code) => {
                let said = words(&error);
                Ok(Err(MailReply { step, code: u16::from(code), said, refused: Vec::new() }))
            }
            None if error.is_client() => Err(MailError::Unsent(words(&error))),
            None => Err(MailError::Lost(words(&error))),
        },
    }
}

fn reply(step: MailStep, response: &Response) -> MailReply {
    let said: Vec<&str> = response.message().collect();
    MailReply { step, code: u16::from(response.code()), said: said.join(" "), refused: Vec::new() }
}

/// The innermost cause says it best.
fn words(error: &Error) -> String {
    let first: &(dyn std::error::Error + 'static) = error;
    let causes = std::iter::successors(Some(first), |error| error.source());
    let innermost = causes.last().map(ToString::to_string).unwrap_or_default();
    if innermost.is_empty() { error.to_string() } else { innermost }
}
