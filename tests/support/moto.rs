//! `moto`, a double of Amazon's services that others wrote: it keeps log events and metrics, and gives them back by the
//! services' own API. It looks at no signature.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{engine::ports, not_run::NotRun};

/// A running moto; it ends with the value.
#[derive(Debug)]
pub struct Moto {
    pub url: String,
    child: Child,
    folder: PathBuf,
}

impl Moto {
    pub async fn start() -> Result<Moto, NotRun> {
        let home = fetched()?;
        let port = ports::http();
        let folder = tempfile::Builder::new().prefix("highwater-moto-").tempdir().expect("a folder").keep();
        let log = File::create(folder.join("log")).expect("a log");
        let child = Command::new(home.join("bin/moto_server"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .map_err(|error| NotRun::Missing(format!("moto_server does not start: {error}")))?;
        let moto = Moto { url: format!("http://127.0.0.1:{port}"), child, folder };
        let deadline = Instant::now() + Duration::from_secs(60);
        while client().get(format!("{}/moto-api/", moto.url)).send().await.is_err() {
            let log = fs::read_to_string(moto.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "moto does not answer: {log}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(moto)
    }

    /// An operation of CloudWatch Logs; status and answer.
    pub async fn logs(&self, operation: &str, body: &Value) -> (u16, Value) {
        let request = client()
            .post(&self.url)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("Logs_20140328.{operation}"))
            .header("authorization", scope("logs"))
            .body(body.to_string());
        let answer = request.send().await.expect("an answer");
        let (status, text) = (answer.status().as_u16(), answer.text().await.expect("a body"));
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// An operation of CloudWatch, as a form; the answer's XML.
    pub async fn metrics(&self, form: &str) -> String {
        let request = client()
            .post(&self.url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", scope("monitoring"))
            .body(format!("{form}&Version=2010-08-01"));
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{form}");
        answer.text().await.expect("a body")
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        fs::remove_dir_all(&self.folder).ok();
    }
}

fn client() -> reqwest::Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

/// It tells services and regions apart by what a signature is for.
fn scope(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=reader/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn fetched() -> Result<PathBuf, NotRun> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/fetch-receiver");
    let output = Command::new(script).arg("moto-5.2.5").stdin(Stdio::null()).output();
    let output = output.map_err(|error| NotRun::Missing(format!("scripts/fetch-receiver: {error}")))?;
    if output.status.success() {
        return Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or("scripts/fetch-receiver failed without a word");
    Err(NotRun::Missing(last.to_owned()))
}
