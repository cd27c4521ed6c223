//! `email`.

use serde_json::{Map, Value, json};

use super::{Made, Making};

pub fn email(making: &mut Making<'_>) -> Made {
    let mut to = making.old.texts("email");
    let copies: Vec<String> = making.old.texts("cc").into_iter().chain(making.old.texts("bcc")).collect();
    if !copies.is_empty() {
        making.differs("who stood in `cc` and `bcc` stands in `to`");
        to.extend(copies);
    }
    if to.is_empty() {
        return Err("`email` is missing".to_owned());
    }
    if let Some(domain) = making.old.text("email_add_domain") {
        let domain = domain.trim_start_matches('@');
        to = to.into_iter().map(|to| if to.contains('@') { to } else { format!("{to}@{domain}") }).collect();
    }
    if making.old.get("email_from_field").is_some() {
        making.differs("`email_from_field`: the addresses of `email` are told, whatever a document says");
    }
    let mut sink = Map::new();
    server(making, &mut sink);
    sink.insert("from".to_owned(), Value::from(sender(making)));
    sink.insert("to".to_owned(), Value::from(to));
    making.leaves_out("smtp_", &["smtp_host", "smtp_port", "smtp_ssl", "smtp_auth_file"]);
    making.leaves_out("email_", &["email_add_domain", "email_from_field", "email_format"]);
    Ok(vec![json!({ "email": sink })])
}

fn server(making: &mut Making<'_>, sink: &mut Map<String, Value>) {
    let host = making.old.text("smtp_host").unwrap_or("localhost").to_owned();
    let tls = making.old.is("smtp_ssl");
    let (scheme, usual) = if tls { ("smtps", 465) } else { ("smtp", 25) };
    let port = making.old.get("smtp_port").and_then(Value::as_u64).unwrap_or(usual);
    let mut user = String::new();
    if let Some(file) = making.old.text("smtp_auth_file") {
        let from = format!("`user` and `password` of {file} (`smtp_auth_file`)");
        user = making.variables.ask_for("SMTP_USER", &from) + "@";
        sink.insert("password".to_owned(), Value::from(making.variables.ask_for("SMTP_PASSWORD", &from)));
    }
    if !tls && host != "localhost" && !host.starts_with("127.") {
        making.differs(
            "mail is sent with STARTTLS alone; where the server has none, add `?starttls=never` to `smtp`",
        );
    }
    sink.insert("smtp".to_owned(), Value::from(format!("{scheme}://{user}{host}:{port}")));
}

fn sender(making: &mut Making<'_>) -> String {
    let from = making.old.text("from_addr").unwrap_or("ElastAlert").to_owned();
    if from.contains('@') {
        return from;
    }
    making.differs(format!("mail is from `alerts@localhost`: `{from}` is no address"));
    "highwater <alerts@localhost>".to_owned()
}
