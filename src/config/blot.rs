//! Literal secrets in a settings file are never shown, not even in the complaint about them.

use super::{
    node::{Node, Value},
    place::Sources,
};

/// Keys whose value may hold a secret behind its host.
const ADDRESSES: [&str; 3] = ["url", "urls", "proxy"];

/// What the name of a secret holds, a header's name among them.
const CREDENTIAL: [&str; 8] =
    ["authorization", "bearer", "cookie", "key", "password", "secret", "token", "webhook_url"];

/// Paths of files, whatever they are called.
const PATHS: [&str; 2] = ["client_key", "client_certificate"];

fn is_credential(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    !PATHS.contains(&key.as_str()) && CREDENTIAL.iter().any(|word| key.contains(word))
}

/// The text with stars in place of secrets, each line by itself: it works for a file that is not even YAML.
pub fn blot_lines(text: &str) -> String {
    text.split_inclusive('\n').map(blot_line).collect()
}

fn blot_line(line: &str) -> String {
    let mut out = line.to_owned();
    for (colon, _) in line.match_indices(':') {
        let key = key_before(&line[..colon]);
        if is_credential(key) || ADDRESSES.contains(&key) {
            // it hides the rest of the line: there is nothing left to look for
            if stars(&mut out, colon + 1, key) {
                break;
            }
        }
    }
    out
}

/// The key that a colon ends, without its quotes.
fn key_before(text: &str) -> &str {
    let text = text.trim_end_matches([' ', '"', '\'']);
    let start = text.rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
    &text[start.map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8))..]
}

/// Hides from `start` to the end of the line, but for references, and for the scheme and host of a URL. Whether it hid anything.
fn stars(line: &mut String, start: usize, key: &str) -> bool {
    let value = line[start..].trim_start();
    let mut from = line.len() - value.len();
    if value.trim_start_matches(['"', '\'']).starts_with("${") {
        return false;
    }
    if ADDRESSES.contains(&key) {
        from = after_host(line, from);
    }
    let hidden: String = line[from..]
        .bytes()
        .map(|byte| if byte == b'\n' || byte == b'\r' { byte as char } else { '*' })
        .collect();
    line.replace_range(from.., &hidden);
    !hidden.is_empty()
}

/// Where a URL says more than its scheme and host. One with credentials is hidden from them on.
fn after_host(line: &str, from: usize) -> usize {
    let Some(scheme) = line[from..].find("://") else { return line.len() };
    let host = from + scheme + 3;
    let end = line[host..]
        .find(['/', '?', '"', '\'', ' ', ',', ']', '}', '\n'])
        .map_or(line.len(), |end| host + end);
    let says_more = line[end..].chars().any(char::is_alphanumeric);
    match line[host..end].contains('@') {
        true => host,
        false if says_more => end,
        false => line.len(),
    }
}

/// Secrets that reach over several lines.
pub fn blot_nodes(node: &Node, sources: &mut Sources) {
    match &node.value {
        Value::Scalar { .. } => {}
        Value::List(items) => items.iter().for_each(|item| blot_nodes(item, sources)),
        Value::Map(entries) => {
            for (key, value) in entries {
                match &value.value {
                    Value::Scalar { text, .. } if is_credential(&key.text) && !text.starts_with("${") => {
                        sources.blot(value.place);
                    }
                    _ => blot_nodes(value, sources),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_secret_is_hidden_and_a_reference_is_not() {
        for (line, shown) in [
            ("  password: hunter2\n", "  password: *******\n"),
            ("  password: \"${env:X}\"\n", "  password: \"${env:X}\"\n"),
            (
                "auth: { basic: { username: u, password: hunter2 } }",
                "auth: { basic: { username: u, password: ***********",
            ),
            ("webhook_url: https://hooks.example/T/1", "webhook_url: *************************"),
            ("url: https://host/path?x=1", "url: https://host*********"),
            ("urls: [http://u:p@host:9200]", "urls: [http://**************"),
            ("urls: [http://127.0.0.1:9200]", "urls: [http://127.0.0.1:9200]"),
            ("# a password is needed", "# a password is needed"),
            ("  X-Api-Key: \"hunter2\"", "  X-Api-Key: *********"),
            ("headers: { Authorization: hunter2 }", "headers: { Authorization: *********"),
            ("  client_key: k.pem", "  client_key: k.pem"),
        ] {
            assert_eq!(blot_line(line), shown);
            assert_eq!(blot_line(line).len(), line.len());
        }
    }
}
