//! Which server, as whom, and what keeps others from listening.

use reqwest::Url;

use crate::sinks::percent_decoded;

/// `smtps://user@host:465`, `smtp://user@host:587?starttls=required`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    pub host: String,
    pub port: u16,
    pub user: Option<String>,
    pub tls: MailTls,
}

/// When the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// From the first byte.
    Implicit,
    /// After a few words in plain text, or not at all: then nothing is sent.
    Starttls,
    Never,
}

impl MailServer {
    pub fn parse(text: &str) -> Result<Self, String> {
        const EXAMPLE: &str = "write one like `smtps://user@mail.example.org:465`";
        let url = Url::parse(text.trim()).map_err(|_| format!("this is no URL; {EXAMPLE}"))?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() || !matches!(url.path(), "" | "/") {
            return Err(format!("a server has a host and no path; {EXAMPLE}"));
        }
        if url.password().is_some() {
            return Err("a URL holds no password; write it as `password`".to_owned());
        }
        let wish = starttls(&url)?;
        let (tls, port) = match (url.scheme(), wish) {
            ("smtps", None) => (MailTls::Implicit, 465),
            ("smtps", Some(_)) => return Err("`smtps` needs no `starttls`; write `smtp` for it".to_owned()),
            ("smtp", Some(tls)) => (tls, 587),
            ("smtp", None) if is_loopback(&host) => (MailTls::Never, 25),
            ("smtp", None) => (MailTls::Starttls, 587),
            _ => return Err(format!("this is no mail server; {EXAMPLE}")),
        };
        let user = Some(percent_decoded(url.username())).filter(|user| !user.is_empty());
        Ok(Self { host, port: url.port().unwrap_or(port), user, tls })
    }

    /// What is wrong with it beyond its form.
    pub fn complaint(&self, has_password: bool) -> Option<String> {
        match (&self.user, has_password) {
            (Some(_), false) => Some("`smtp` names a user, but there is no `password`".to_owned()),
            (None, true) => Some(
                "`password` is for nobody: write the user into `smtp`, as in `smtps://user@host`".to_owned(),
            ),
            (Some(_), true) if self.tells_everybody() => {
                Some("`starttls=never` would send the password as plain text".to_owned())
            }
            _ => None,
        }
    }

    /// Whatever is said travels readable through a network.
    pub fn tells_everybody(&self) -> bool {
        self.tls == MailTls::Never && !is_loopback(&self.host)
    }
}

fn starttls(url: &Url) -> Result<Option<MailTls>, String> {
    match url.query() {
        None => Ok(None),
        Some("starttls=required") => Ok(Some(MailTls::Starttls)),
        Some("starttls=never") => Ok(Some(MailTls::Never)),
        Some(_) => Err("behind `?` only `starttls=required` and `starttls=never` are known".to_owned()),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (String, u16, Option<String>, MailTls) {
        let server = MailServer::parse(text).unwrap();
        (server.host, server.port, server.user, server.tls)
    }

    #[test]
    fn nothing_travels_readable_unless_that_is_said_or_the_server_is_here() {
        let host = || "mail.example".to_owned();
        assert_eq!(parse("smtps://mail.example"), (host(), 465, None, MailTls::Implicit));
        assert_eq!(parse("smtp://mail.example"), (host(), 587, None, MailTls::Starttls));
        assert_eq!(parse("smtp://mail.example:25?starttls=never"), (host(), 25, None, MailTls::Never));
        assert_eq!(parse("smtp://127.0.0.1:1025").3, MailTls::Never);
        assert_eq!(parse("smtp://[::1]"), ("::1".to_owned(), 25, None, MailTls::Never));
        assert_eq!(parse("smtp://localhost?starttls=required").3, MailTls::Starttls);
        let user = Some("alerts@example.org".to_owned());
        assert_eq!(
            parse("smtps://alerts%40example.org@mail.example:2465"),
            (host(), 2465, user, MailTls::Implicit)
        );
    }

    #[test]
    fn what_is_no_server_is_told_with_what_would_be_one() {
        for wrong in [
            "mail.example",
            "https://mail.example",
            "smtp://",
            "smtp://mail.example/inbox",
            "smtp://user:secret@mail.example",
            "smtp://mail.example?starttls=maybe",
            "smtps://mail.example?starttls=never",
        ] {
            let why = MailServer::parse(wrong).unwrap_err();
            assert!(!why.contains("secret"), "{why}");
        }
    }

    #[test]
    fn a_password_needs_a_user_and_a_connection_that_nobody_reads() {
        let complaint = |text: &str, has| MailServer::parse(text).unwrap().complaint(has);
        assert_eq!(complaint("smtps://user@mail.example", true), None);
        assert_eq!(complaint("smtp://user@127.0.0.1", true), None);
        assert_eq!(complaint("smtp://mail.example?starttls=never", false), None);
        assert!(complaint("smtps://user@mail.example", false).is_some());
        assert!(complaint("smtps://mail.example", true).is_some());
        assert!(complaint("smtp://user@mail.example?starttls=never", true).is_some());
    }
}
