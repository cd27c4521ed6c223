mod answer;
mod api;
mod blocks;
mod bot;
mod escape;
mod repeat;

#[cfg(test)]
mod tests;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use self::{bot::Bot, escape::escape};
use super::{Answer, Asked, Destination, Endpoint, Message, Portions, Sink, Verdict};
use crate::model::{
    notification::{Delivery, Handle},
    secret::{Part, Secret},
    span::Span,
    wording::DIGEST_ABOVE,
};

/// A Slack channel: by a bot's `token` and `channel`, or by an incoming `webhook_url`.
///
/// A bot has one message per alert, which is edited while the alert lasts: red for critical, amber for warning, blue for info;
/// green only for what is proven to be over, grey for what ended otherwise. Edits notify nobody, so a raised level is told in
/// the message's thread and in the channel, a recovery in the thread. More than 10 alerts that fire at once share one message.
/// The bot needs the scope `chat:write`, and has to be in the channel (`/invite @highwater`).
/// `slack: { token: "${env:SLACK_TOKEN}", channel: "#alerts" }`; for several channels, as many sinks with the same token.
///
/// A webhook cannot edit: it has one message per evaluation, and a message of its own when alerts end. More than 10 alerts
/// become a digest that names 20 and counts the rest.
///
/// Nothing that a document holds can mention anybody. A message that may be a repeat, because Slack's answer to an earlier
/// attempt was lost, says so: Slack itself would take it twice.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// An incoming webhook's. The whole URL is a secret: whoever has it can write to the channel.
    pub webhook_url: Option<Secret>,
    /// A bot's, `xoxb-…`.
    pub token: Option<Secret>,
    /// Its name, `"#alerts"`, in quotes because of the `#`; or its id, which stays when it is renamed.
    pub channel: Option<String>,
    /// So often the message of a firing alert is edited to the newest facts. Default: `5m`.
    pub edit_every: Option<Span>,
    /// Whether a raised level is told in the thread and in the channel; without it only the message is edited, and nobody notified. Default: `true`.
    pub reply_when_raised: Option<bool>,
    /// Whether a recovery, or any other end, is told in the thread. Default: `true`.
    pub reply_when_recovered: Option<bool>,
    /// Slack's Web API. Default: `https://slack.com/api`.
    pub api_url: Option<Secret>,
}

impl Slack {
    pub const EXAMPLE: &str = "slack: { webhook_url: \"${env:SLACK_WEBHOOK_URL}\" }";

    /// The other form.
    #[cfg(test)]
    pub const BOT: &str = "slack: { token: \"${env:SLACK_TOKEN}\", channel: \"#alerts\" }";

    fn bot(&self) -> Option<Bot<'_>> {
        self.token.as_ref()?;
        Some(Bot {
            channel: self.channel.as_deref().unwrap_or_default(),
            reply_when_raised: self.reply_when_raised.unwrap_or(true),
            reply_when_recovered: self.reply_when_recovered.unwrap_or(true),
        })
    }

    /// What is only for bots, and was given.
    fn bots_keys(&self) -> Vec<&'static str> {
        let keys = [
            ("channel", self.channel.is_some()),
            ("edit_every", self.edit_every.is_some()),
            ("reply_when_raised", self.reply_when_raised.is_some()),
            ("reply_when_recovered", self.reply_when_recovered.is_some()),
            ("api_url", self.api_url.is_some()),
        ];
        keys.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect()
    }

    fn complaint_about_form(&self) -> Option<String> {
        match (&self.webhook_url, &self.token) {
            (Some(_), Some(_)) => Some("`webhook_url` and `token` are two ways to the same; keep one".to_owned()),
            (None, None) => {
                Some("it needs either `token` and `channel`, for a bot, or the `webhook_url` of an incoming webhook".to_owned())
            }
            (None, Some(_)) => complaint_about_channel(self.channel.as_deref()),
            (Some(_), None) => {
                let key = self.bots_keys().into_iter().next()?;
                Some(format!("`{key}` is for a bot, which has a `token` in place of the `webhook_url`"))
            }
        }
    }
}

fn complaint_about_channel(channel: Option<&str>) -> Option<String> {
    let Some(channel) = channel else {
        return Some(
            "`token` needs its `channel`; write it in quotes, `\"#alerts\"`: a bare `#` starts a comment"
                .to_owned(),
        );
    };
    let name = channel.strip_prefix('#').unwrap_or(channel);
    let fine =
        !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || matches!(c, '#' | '@' | ','));
    (!fine).then(|| {
        format!("`{channel}` is no channel; write one name like `\"#alerts\"`, or an id like `C0123456789`")
    })
}

impl Sink for Slack {
    fn destination(&self) -> Destination {
        let Some(token) = &self.token else {
            let url = self.webhook_url.clone().unwrap_or_else(|| Secret::literal(""));
            return Destination::Http(Endpoint::new(url).with_key_in_url(true));
        };
        let url = self.api_url.clone().unwrap_or_else(|| Secret::literal("https://slack.com/api"));
        let mut parts = vec![Part::Literal("Bearer ".to_owned())];
        parts.extend(token.parts.iter().cloned());
        Destination::Http(Endpoint::new(url).header("Authorization", Secret { parts }))
    }

    fn render(&self, delivery: &Delivery, handle: Option<&Handle>) -> Message {
        match self.bot() {
            Some(bot) => bot.first(delivery, handle),
            None => message(blocks::message(&delivery.notification, delivery.zone)),
        }
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        let text = escape(&delivery.notification.text, blocks::TEXT);
        match self.bot() {
            Some(bot) => bot.plain(text),
            None => message(serde_json::json!({ "text": text })),
        }
    }

    fn repeat(&self, message: &Message, answer: Option<&Answer>) -> Option<Message> {
        repeat::marked(message, answer)
    }

    fn is_refusal(&self, answer: &Answer) -> bool {
        repeat::is_clear(answer)
    }

    fn classify(&self, asked: &Asked<'_>, answer: &Answer) -> Verdict {
        match self.bot() {
            Some(bot) => bot.classify(asked, answer),
            None => answer::classify(answer),
        }
    }

    /// To post and to edit are limited each on its own.
    fn method(&self, handle: Option<&Handle>, message: Option<&Message>) -> &'static str {
        if self.bot().is_some() { bot::method(handle, message) } else { "" }
    }

    /// One message a second per channel is what Slack takes.
    fn pace(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn portions(&self) -> Portions {
        match self.bot() {
            Some(_) => Portions::Each { most: DIGEST_ABOVE, single: 0 },
            None => Portions::Together,
        }
    }

    fn refresh(&self) -> Option<Duration> {
        self.bot()?;
        Some(self.edit_every.map_or(Duration::from_secs(300), |every| every.0))
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let url = self.webhook_url.iter().map(|url| ("webhook_url", url));
        url.chain(self.token.iter().map(|token| ("token", token))).collect()
    }

    fn complaints(&self) -> Vec<String> {
        let urls = [("webhook_url", &self.webhook_url), ("api_url", &self.api_url)];
        let urls = urls.into_iter().filter_map(|(key, url)| super::complaint_about_url(key, url.as_ref()?));
        let every = self.edit_every.filter(|every| every.0 < Duration::from_secs(1));
        let every = every.map(|every| format!("`edit_every: {every}` is too often; it is at least `1s`"));
        self.complaint_about_form().into_iter().chain(urls).chain(every).collect()
    }
}

/// To a webhook.
fn message(mut body: Value) -> Message {
    quieten(&mut body);
    Message::json("", body.to_string())
}

/// Names and addresses in the text are not looked up, and links are not unfolded.
fn quieten(body: &mut Value) {
    for (key, value) in [
        ("link_names", Value::Bool(false)),
        ("parse", Value::from("none")),
        ("unfurl_links", Value::Bool(false)),
        ("unfurl_media", Value::Bool(false)),
    ] {
        body[key] = value;
    }
}
