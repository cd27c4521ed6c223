//! Secrets that a service wants in the body: put there by each attempt, so that no stored message holds them.

use std::fmt::Write;

use serde_json::Value;

use super::Secrets;
use crate::{
    model::secret::Secret,
    sinks::{Request, percent_encoded},
};

/// A body as it goes out, and what is secret in it.
pub struct Filled {
    pub text: String,
    pub hidden: Vec<String>,
}

pub fn filled(
    message: &Request,
    body_secrets: &[(String, Secret)],
    secrets: Secrets<'_>,
) -> Result<Filled, String> {
    if body_secrets.is_empty() {
        return Ok(Filled { text: message.body.clone(), hidden: Vec::new() });
    }
    let mut found = Vec::new();
    for (name, secret) in body_secrets {
        found.push((name.as_str(), secrets(secret)?));
    }
    let text = if is_form(message) { form(&message.body, &found) } else { json(&message.body, &found)? };
    Ok(Filled { text, hidden: found.into_iter().map(|(_, secret)| secret).collect() })
}

fn is_form(message: &Request) -> bool {
    let form = |(name, value): &(String, String)| {
        name.eq_ignore_ascii_case("content-type") && value.starts_with("application/x-www-form-urlencoded")
    };
    message.headers.iter().any(form)
}

fn json(body: &str, found: &[(&str, String)]) -> Result<String, String> {
    let Ok(Value::Object(mut object)) = serde_json::from_str(body) else {
        return Err("this message has no place for its key".to_owned());
    };
    for (name, value) in found {
        object.insert((*name).to_owned(), Value::String(value.clone()));
    }
    Ok(Value::Object(object).to_string())
}

fn form(body: &str, found: &[(&str, String)]) -> String {
    let mut filled = body.to_owned();
    for (name, value) in found {
        let joint = if filled.is_empty() { "" } else { "&" };
        let _infallible = write!(filled, "{joint}{name}={}", percent_encoded(value));
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::{Message, Method};

    fn reveal(secret: &Secret) -> Result<String, String> {
        Ok(format!("a\"&{}", secret.parts.len()))
    }

    fn key() -> Vec<(String, Secret)> {
        vec![("key".to_owned(), Secret::literal("x"))]
    }

    #[test]
    fn a_key_goes_to_the_top_of_a_json_body_and_behind_a_forms_fields() {
        let Message::Http(mut message) = Message::json("", "{\"a\":{\"key\":1}}".to_owned()) else {
            unreachable!()
        };
        assert_eq!(filled(&message, &[], &reveal).unwrap().text, message.body);
        let body = filled(&message, &key(), &reveal).unwrap().text;
        assert_eq!(body, r#"{"a":{"key":1},"key":"a\"&1"}"#);
        message.body = "[]".to_owned();
        assert!(filled(&message, &key(), &reveal).is_err());
        let headers = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        let form = Request { method: Method::Post, path: String::new(), headers, body: "b=c".to_owned() };
        assert_eq!(filled(&form, &key(), &reveal).unwrap().text, "b=c&key=a%22%261");
    }
}
