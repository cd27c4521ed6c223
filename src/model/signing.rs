//! For which service and region a request to Amazon is signed. Who signs it is found elsewhere, at each attempt.

/// What a signature is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    pub region: String,
    /// As signatures spell it: `logs`, `monitoring`, `es`.
    pub service: String,
}

impl Signing {
    pub fn new(region: &str, service: &str) -> Self {
        Self { region: region.to_owned(), service: service.to_owned() }
    }

    /// A region becomes part of a host's name and of every signature.
    pub fn complaint_about_region(region: &str) -> Option<String> {
        let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_region = (4..=32).contains(&region.len()) && region.contains('-') && region.bytes().all(fine);
        (!is_region).then(|| format!("`{region}` is no region; write one like `eu-west-1`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_never_part_of_another_host() {
        for region in ["eu-west-1", "cn-north-1", "us-gov-east-1", "ap-southeast-2"] {
            assert_eq!(Signing::complaint_about_region(region), None);
        }
        for region in ["", "eu", "evil.example/-", "EU-WEST-1", "eu-west-1 ", "eu_west_1", "-a@host"] {
            assert!(Signing::complaint_about_region(region).is_some(), "{region}");
        }
    }
}
