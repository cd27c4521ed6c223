//! When a certificate is over: the one date of it that matters here, read from its DER, and remembered by host.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::NaiveDateTime;
use reqwest::{Response, Url, tls::TlsInfo};

use crate::model::Time;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// When the certificates end that were shown to us, by `host:port`. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Shown(Arc<Mutex<BTreeMap<String, Time>>>);

impl Shown {
    pub fn note(&self, host: &str, end: Time) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned(), end);
    }

    pub fn all(&self) -> BTreeMap<String, Time> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The end of the certificate behind a response.
    pub fn note_of(&self, response: &Response) -> Option<Time> {
        let end = not_after(response.extensions().get::<TlsInfo>()?.peer_certificate()?)?;
        self.note(&name_of(response.url())?, end);
        Some(end)
    }
}

/// `host:port`: all that is ever said of a URL.
pub fn name_of(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// `notAfter` of a certificate (RFC 5280, 4.1.2.5); `None` where there is none to be read.
pub fn not_after(der: &[u8]) -> Option<Time> {
    let (certificate, _) = value(der, SEQUENCE)?;
    let (mut fields, _) = value(certificate, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        fields = element(fields)?.2;
    }
    // serial number, algorithm, issuer
    for _ in 0..3 {
        fields = element(fields)?.2;
    }
    let (validity, _) = value(fields, SEQUENCE)?;
    let (kind, text, _) = element(element(validity)?.2)?;
    date(kind, std::str::from_utf8(text).ok()?)
}

/// Years of two digits are those of 1950 to 2049.
fn date(kind: u8, text: &str) -> Option<Time> {
    let full = match kind {
        UTC_TIME => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    Some(NaiveDateTime::parse_from_str(&full, "%Y%m%d%H%M%SZ").ok()?.and_utc())
}

/// What is inside of the first element, if it is of this kind, and what follows it.
fn value(bytes: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let (found, inside, rest) = element(bytes)?;
    (found == kind).then_some((inside, rest))
}

/// Kind, inside and rest of the first element.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&kind, bytes) = bytes.split_first()?;
    let (&first, mut bytes) = bytes.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let (digits, rest) = bytes.split_at_checked(usize::from(first & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        length = digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit));
        bytes = rest;
    }
    let (inside, rest) = bytes.split_at_checked(length)?;
    Some((kind, inside, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(vec!["host".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 5, 17);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_of_a_certificate_is_read_in_both_spellings() {
        for year in [2026, 2049, 2050, 2999] {
            let end = not_after(&certificate(year)).unwrap();
            assert_eq!(end.to_rfc3339(), format!("{year}-05-17T00:00:00+00:00"));
        }
    }

    #[test]
    fn what_is_cut_off_or_changed_is_no_certificate_and_no_panic() {
        let whole = certificate(2026);
        for end in 0..whole.len() {
            assert_eq!(not_after(&whole[..end]), None, "cut at {end}");
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            let _any = not_after(&changed);
        }
    }
}
