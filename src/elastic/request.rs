//! What is sent, checked: a path that cannot leave the cluster it is meant for.

use elasticsearch::http::{Method, Url};

use crate::model::{Cause, Reason, query::Call};

/// One request, not yet bound to a node.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub method: Method,
    /// Path and query below a node's URL. It starts with `./`, so that `remote:logs/_search` is no URL of its own.
    pub relative: String,
    pub body: Option<String>,
}

impl Request {
    pub fn call(call: &Call) -> Result<Self, Reason> {
        Self::get(&call.path, &call.params)
    }

    pub fn get(path: &str, params: &[(String, String)]) -> Result<Self, Reason> {
        check(path)?;
        let relative = format!("./{}{}", &path[1..], query(params));
        Ok(Self { method: Method::Get, relative, body: None })
    }

    pub fn searches(lines: String) -> Self {
        Self { method: Method::Post, relative: "./_msearch".to_owned(), body: Some(lines) }
    }

    /// A question that travels as JSON.
    pub fn post(path: &str, body: String) -> Result<Self, Reason> {
        Ok(Self { method: Method::Post, body: Some(body), ..Self::get(path, &[])? })
    }

    /// JSON for what is at `path`.
    pub fn put(path: &str, body: String) -> Result<Self, Reason> {
        Ok(Self { method: Method::Put, body: Some(body), ..Self::get(path, &[])? })
    }

    /// Documents for `index`, one action and one document per line. The answer leaves out what need not be known.
    pub fn bulk(index: &str, lines: String) -> Result<Self, Reason> {
        let told = [("filter_path".to_owned(), "errors,items.*.status,items.*.error".to_owned())];
        let path = format!("/{}/_bulk", path_part(index));
        Ok(Self { method: Method::Post, body: Some(lines), ..Self::get(&path, &told)? })
    }

    /// Whether its body is many documents of JSON, one a line.
    pub fn is_lines(&self) -> bool {
        let path = self.relative.split('?').next().unwrap_or_default();
        path.ends_with("/_msearch") || path.ends_with("/_bulk")
    }

    /// The whole URL of this request at a node; never one outside of the node's own.
    pub fn at(&self, base: &Url) -> Result<Url, Reason> {
        let url = base.join(&self.relative).map_err(|_| stray(&self.relative))?;
        let inside = url.origin() == base.origin() && url.path().starts_with(base.path());
        if inside { Ok(url) } else { Err(stray(&self.relative)) }
    }
}

fn stray(path: &str) -> Reason {
    Reason::new(
        Cause::Invalid,
        format!("`{path}` is no path of a cluster API; write one like `/_cluster/health`"),
    )
}

/// One leading slash, and no way up, out or around.
fn check(path: &str) -> Result<(), Reason> {
    let plain = path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\<>{}\"^`|".contains(&byte));
    let climbs = path.split('/').any(|part| {
        let part = part.to_ascii_lowercase().replace("%2e", ".");
        part == "." || part == ".."
    });
    if plain && !climbs { Ok(()) } else { Err(stray(path)) }
}

/// Encoded without exceptions: signed requests are read in more than one way, which agree only on this.
fn query(params: &[(String, String)]) -> String {
    let mut query = String::new();
    for (name, value) in params {
        let joint = if query.is_empty() { '?' } else { '&' };
        query.push_str(&format!("{joint}{}={}", encoded(name, b""), encoded(value, b"")));
    }
    query
}

/// An index pattern as a path part.
pub(super) fn path_part(text: &str) -> String {
    encoded(text, b",*")
}

/// Everything percent-encoded but what stands for itself everywhere, and `also`.
fn encoded(text: &str, also: &[u8]) -> String {
    let mut part = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || also.contains(&byte) {
            part.push(char::from(byte));
        } else {
            part.push_str(&format!("%{byte:02X}"));
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://es.example:9200/prefix/").unwrap()
    }

    #[test]
    fn a_path_stays_below_the_prefix_of_its_node() {
        let request =
            Request::get("/_cluster/health", &[("level".to_owned(), "in dices&".to_owned())]).unwrap();
        let url = request.at(&base()).unwrap();
        assert_eq!(url.as_str(), "https://es.example:9200/prefix/_cluster/health?level=in%20dices%26");
    }

    #[test]
    fn a_remote_index_is_a_path_and_not_a_scheme() {
        let path = format!("/{}/_field_caps", path_part("eu:logs-*"));
        let url = Request::get(&path, &[]).unwrap().at(&base()).unwrap();
        assert_eq!(url.host_str(), Some("es.example"));
        assert!(
            Request::get("/http://evil/x", &[])
                .unwrap()
                .at(&base())
                .unwrap()
                .as_str()
                .starts_with(base().as_str())
        );
    }

    #[test]
    fn a_path_that_leaves_the_cluster_is_refused() {
        for path in [
            "",
            "_x",
            "//evil/x",
            "/../x",
            "/a/%2e%2E/x",
            "/a\\..\\x",
            "http://evil/",
            "/a?b",
            "/a#b",
            "/a b",
            "/\u{e9}",
        ] {
            assert_eq!(Request::get(path, &[]).unwrap_err().cause, Cause::Invalid, "{path}");
        }
    }

    #[test]
    fn a_query_is_encoded_in_the_one_way_that_signatures_agree_on() {
        let params = [("filter_path".to_owned(), "a.*.b,c d~+".to_owned()), ("x".to_owned(), String::new())];
        assert_eq!(query(&params), "?filter_path=a.%2A.b%2Cc%20d~%2B&x=");
        assert_eq!(query(&[]), "");
    }

    #[test]
    fn date_math_becomes_one_path_part() {
        assert_eq!(path_part("<logs-{now/d}>,-b"), "%3Clogs-%7Bnow%2Fd%7D%3E,-b");
    }
}
