//! Proof for a receiver that a body came from us, and when: HMAC-SHA256 over `timestamp.body`.

use std::fmt::Write;

use ring::hmac;

use crate::model::Time;

/// Value of the timestamp's header, and of the signature's.
pub fn sign(key: &str, at: Time, body: &str) -> (String, String) {
    let timestamp = at.timestamp().to_string();
    let signature = format!("sha256={}", hex(key.as_bytes(), format!("{timestamp}.{body}").as_bytes()));
    (timestamp, signature)
}

fn hex(key: &[u8], message: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    tag.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_hmac_of_rfc_4231() {
        let cases: [(&[u8], &[u8], &str); 4] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in cases {
            assert_eq!(hex(key, message), expected);
        }
    }

    #[test]
    fn another_body_another_second_or_another_key_is_another_signature() {
        let at = Time::from_timestamp(1_795_255_200, 0).unwrap();
        let (timestamp, signature) = sign("key", at, "{}");
        assert_eq!(timestamp, "1795255200");
        assert_eq!(signature, format!("sha256={}", hex(b"key", b"1795255200.{}")));
        let later = at + std::time::Duration::from_secs(1);
        for other in [sign("key", at, "{ }"), sign("key", later, "{}"), sign("kez", at, "{}")] {
            assert_ne!(other.1, signature);
        }
    }
}
