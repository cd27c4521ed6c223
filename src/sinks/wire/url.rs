//! URLs and what stands in them.

use crate::model::secret::Secret;

/// Everything but what stands for itself in every place of a URL.
pub fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _infallible = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The text of an encoded one.
pub(in crate::sinks) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.filter(|_| byte == b'%').and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A URL that starts with plain text has to start like one; whether a looked-up one does is seen at the first attempt.
pub(in crate::sinks) fn complaint_about_url(key: &str, url: &Secret) -> Option<String> {
    use crate::model::secret::Part;
    let start = match url.parts.first() {
        None => "",
        Some(Part::Literal(start)) => start.as_str(),
        Some(Part::Env(_) | Part::File(_)) => return None,
    };
    let fine = start.starts_with("https://") || start.starts_with("http://");
    (!fine).then(|| format!("`{key}` has to start with `https://` or `http://`"))
}
