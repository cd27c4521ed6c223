//! The same against a double of Slack that is not ours.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use super::*;
use crate::support::not_run;

const TOKEN: &str = "test_token_admin";

/// `emulate`, with the one service; it ends with the value.
struct Emulate {
    port: u16,
    process: Child,
}

impl Drop for Emulate {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Emulate {
    async fn start(folder: &str) -> Emulate {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let seed = tempfile::NamedTempFile::with_suffix(".json").unwrap();
        let channels = json!({ "slack": { "channels": [{ "name": "alerts" }] } });
        std::fs::write(seed.path(), channels.to_string()).unwrap();
        let mut command = Command::new("node");
        command.arg(format!("{folder}/node_modules/emulate/dist/index.js")).args([
            "start",
            "--service",
            "slack",
        ]);
        command.args(["--port", &port.to_string(), "--seed"]).arg(seed.path());
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let emulate = Emulate { port, process };
        wait_for("emulate", async || ((), emulate.try_call("auth.test", &json!({})).await.is_some())).await;
        emulate
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/api", self.port)
    }

    async fn try_call(&self, method: &str, body: &Value) -> Option<Value> {
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(format!("{}/{method}", self.url())).bearer_auth(TOKEN);
        let request = request.header("content-type", "application/json").body(body.to_string());
        serde_json::from_str(&request.send().await.ok()?.text().await.ok()?).ok()
    }

    async fn call(&self, method: &str, body: Value) -> Value {
        self.try_call(method, &body).await.unwrap()
    }

    /// What the channel holds beside threads, and the thread of the first.
    async fn messages(&self) -> (Vec<Value>, Vec<Value>) {
        let channels = self.call("conversations.list", json!({})).await;
        let mut all = channels["channels"].as_array().unwrap().iter();
        let id = all.find(|channel| channel["name"] == "alerts").unwrap()["id"].clone();
        let history = self.call("conversations.history", json!({ "channel": id })).await;
        let list = |answer: &Value| answer["messages"].as_array().cloned().unwrap_or_default();
        let is_own =
            |message: &Value| message["thread_ts"].is_null() || message["thread_ts"] == message["ts"];
        let own: Vec<Value> = list(&history).into_iter().filter(is_own).collect();
        let Some(first) = own.first() else { return (own, Vec::new()) };
        let thread = json!({ "channel": id, "ts": first["ts"] });
        let thread = list(&self.call("conversations.replies", thread).await);
        let replies = thread.into_iter().filter(|message| message["ts"] != first["ts"]).collect();
        (own, replies)
    }

    async fn until(&self, what: &str, colour: &str, replies: usize) -> (Vec<Value>, Vec<Value>) {
        wait_for(what, async || {
            let (own, thread) = self.messages().await;
            let shown = own.first().is_some_and(|message| message["attachments"][0]["color"] == colour);
            let enough = shown && thread.len() == replies;
            ((own, thread), enough)
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_double_that_is_not_ours_holds_one_message_edited_to_green_with_its_replies_across_a_restart() {
    let Some(folder) = not_run::or_not_run(fetched("emulate")) else { return };
    let (world, slack) = (World::start(1).await, Emulate::start(&folder).await);
    let home = world.home(&slack.url(), TOKEN);
    world.fail(60);
    let daemon = home.start().await;
    let (first, _) = slack.until("the alert", AMBER, 0).await;
    assert_eq!(daemon.stop().await, 0);
    world.fail(95);
    let daemon = home.start().await;
    slack.until("the raise", RED, 1).await;
    world.fail(0);
    let (over, thread) = slack.until("the recovery", GREEN, 2).await;
    assert_eq!(over.len(), 1, "{over:#?}");
    assert_eq!(over[0]["ts"], first[0]["ts"]);
    assert!(over[0]["edited"].is_object(), "{over:#?}");
    assert!(thread[1]["text"].as_str().unwrap().contains("RECOVERED"), "{thread:#?}");
    assert_eq!(daemon.stop().await, 0);
}
