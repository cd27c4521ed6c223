//! Signatures of Amazon's (Signature Version 4) as a service would check them: computed anew from what arrived.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::wire::Seen;

/// What a request's signature says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub access_key: String,
    pub region: String,
    pub service: String,
    /// The names of the headers that it covers.
    pub headers: Vec<String>,
}

/// Checks the signature of a request with the secret key that belongs to it.
pub fn check(seen: &Seen, secret: &str) -> Result<Signed, String> {
    let authorization = seen.header("authorization");
    let part = |name: &str| {
        let start = authorization.find(name).ok_or(format!("no {name} in `{authorization}`"))? + name.len();
        let rest = &authorization[start..];
        Ok::<_, String>(rest.split(',').next().unwrap_or_default().trim().to_owned())
    };
    let (credential, headers, signature) =
        (part("Credential=")?, part("SignedHeaders=")?, part("Signature=")?);
    let scope: Vec<&str> = credential.split('/').collect();
    let [access_key, day, region, service, "aws4_request"] = scope[..] else {
        return Err(credential.clone());
    };
    let at = seen.header("x-amz-date");
    if !at.starts_with(day) {
        return Err(format!("signed for {day}, but sent at `{at}`"));
    }
    let request = hex(&Sha256::digest(canonical(seen, &headers)));
    let text = format!("AWS4-HMAC-SHA256\n{at}\n{day}/{region}/{service}/aws4_request\n{request}");
    let steps = [day, region, service, "aws4_request"];
    let key =
        steps.iter().fold(format!("AWS4{secret}").into_bytes(), |key, step| hmac(&key, step.as_bytes()));
    let expected = hex(&hmac(&key, text.as_bytes()));
    if signature != expected {
        return Err(format!("signature {signature}, but {expected} was expected for {seen:?}"));
    }
    Ok(Signed {
        access_key: access_key.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        headers: headers.split(';').map(str::to_owned).collect(),
    })
}

fn canonical(seen: &Seen, headers: &str) -> String {
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let mut pairs: Vec<String> = query.split('&').filter(|pair| !pair.is_empty()).map(with_value).collect();
    pairs.sort_unstable();
    let mut lines = String::new();
    for name in headers.split(';') {
        let _infallible = writeln!(lines, "{name}:{}", seen.header(name));
    }
    let body = hex(&Sha256::digest(&seen.body));
    let (method, path, pairs) = (&seen.method, encoded_again(path), pairs.join("&"));
    format!("{method}\n{path}\n{pairs}\n{lines}\n{headers}\n{body}")
}

fn with_value(pair: &str) -> String {
    if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") }
}

/// A path is encoded twice, once for the wire and once for the signature.
fn encoded_again(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::digest([&pad(0x36)[..], message].concat());
    Sha256::digest([&pad(0x5c)[..], &inner[..]].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
