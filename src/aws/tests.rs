//! Signatures as Amazon's published test suite for Signature Version 4 has them.

use aws_credential_types::Credentials;

use super::{Unsigned, credentials::Kept, sign};
use crate::model::{Time, signing::Signing};

struct Vector {
    name: &'static str,
    signing: (&'static str, &'static str),
    at: &'static str,
    token: Option<&'static str>,
    request: Unsigned<'static>,
    signed_headers: &'static str,
    signature: &'static str,
}

const BASIC: Vector = Vector {
    name: "get-vanilla",
    signing: ("us-east-1", "service"),
    at: "2015-08-30T12:36:00Z",
    token: None,
    request: Unsigned { method: "GET", url: "https://example.amazonaws.com/", headers: &[], body: b"" },
    signed_headers: "host;x-amz-date",
    signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
};

const VECTORS: [Vector; 5] = [
    BASIC,
    Vector {
        name: "get-vanilla-query-order-encoded",
        request: Unsigned {
            url: "https://example.amazonaws.com/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
            ..BASIC.request
        },
        signature: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        ..BASIC
    },
    Vector {
        name: "get-vanilla-with-session-token",
        token: Some("6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"),
        signed_headers: "host;x-amz-date;x-amz-security-token",
        signature: "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
        ..BASIC
    },
    Vector {
        name: "double-url-encode",
        signing: ("us-east-2", "lambda"),
        at: "2021-05-11T15:40:45Z",
        request: Unsigned {
            method: "POST",
            url: "https://lambda.us-east-2.amazonaws.com/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-west-2%3A892717189312%3Afunction%3Amy-rusty-fun/invocations",
            ..BASIC.request
        },
        signature: "4b93abbcc68be32bd64c18e2c71150660ab4c29bbd6c32a383a7517a88fc1804",
        ..BASIC
    },
    Vector {
        name: "post-sts-header-before",
        token: Some(
            "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==",
        ),
        request: Unsigned { method: "POST", ..BASIC.request },
        signed_headers: "host;x-amz-date;x-amz-security-token",
        signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        ..BASIC
    },
];

fn keys(token: Option<&str>) -> Credentials {
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    Credentials::new("AKIDEXAMPLE", secret, token.map(ToOwned::to_owned), None, "published")
}

fn header(signed: &[(String, String)], name: &str) -> String {
    let found = signed.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

#[test]
fn signatures_are_those_of_the_published_suite() {
    for vector in VECTORS {
        let signing = Signing::new(vector.signing.0, vector.signing.1);
        let at: Time = vector.at.parse().unwrap();
        let signed = sign::headers(&signing, &keys(vector.token), &vector.request, at).unwrap();
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{}/{}/{}/aws4_request, SignedHeaders={}, Signature={}",
            at.format("%Y%m%d"),
            signing.region,
            signing.service,
            vector.signed_headers,
            vector.signature
        );
        assert_eq!(header(&signed, "authorization"), expected, "{}", vector.name);
        assert_eq!(header(&signed, "x-amz-date"), at.format("%Y%m%dT%H%M%SZ").to_string());
        assert_eq!(header(&signed, "x-amz-security-token"), vector.token.unwrap_or_default());
    }
}

/// `post-x-www-form-urlencoded`, in its form with the body's hash as a header.
#[test]
fn the_bodys_hash_travels_where_the_service_wants_it() {
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("content-length", "13")];
    let request = Unsigned { method: "POST", headers: &headers, body: b"Param1=value1", ..BASIC.request };
    let at: Time = BASIC.at.parse().unwrap();
    let hash = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
    let serverless = sign::headers(&Signing::new("us-east-1", "aoss"), &keys(None), &request, at).unwrap();
    assert_eq!(header(&serverless, "x-amz-content-sha256"), hash);
    assert!(
        header(&serverless, "authorization")
            .contains("SignedHeaders=content-length;content-type;host;x-amz-content-sha256;x-amz-date,")
    );
    let service = sign::headers(&Signing::new("us-east-1", "es"), &keys(None), &request, at).unwrap();
    assert_eq!(header(&service, "x-amz-content-sha256"), "");
}

fn at(minute: i64) -> Time {
    Time::from_timestamp(1_800_000_000 + 60 * minute, 0).unwrap()
}

fn kept_until(minute: Option<i64>) -> Kept {
    let expiry = minute.map(|minute| at(minute).into());
    Kept::new(Credentials::new("AK", "s", None, expiry, "a test"), at(0))
}

#[test]
fn credentials_are_renewed_before_they_expire_and_after_a_while_in_any_case() {
    let hour = kept_until(Some(60));
    assert!(hour.is_good(false, at(54)) && !hour.is_good(false, at(55)));
    assert!(
        hour.is_alive(at(59)) && !hour.is_alive(at(60)),
        "while they cannot be renewed, they are still of use"
    );
    let for_ever = kept_until(None);
    assert!(for_ever.is_good(false, at(4)) && !for_ever.is_good(false, at(5)));
    assert!(for_ever.is_alive(at(10_000)));
    let over = kept_until(Some(0));
    assert!(!over.is_good(false, at(0)), "what has expired is never of use");
}

#[test]
fn refused_credentials_are_looked_up_again_but_not_at_once() {
    let kept = kept_until(None);
    assert!(kept.is_good(true, at(0)), "the chain is not asked twice within a moment");
    assert!(!kept.is_good(true, at(1)));
    assert!(!kept.is_good(false, at(-1)), "a clock that was set back");
}
