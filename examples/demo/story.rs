//! What happens, in order. Each part waits for the messages that it must cause: the demo proves what it shows.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    channel::Channel,
    highwater::{Daemon, Highwater},
    paint::{bold, chapter, dim, narrate},
    support::engine::{Engine, Product, Spec},
    traffic,
};

/// How long a message may take after its cause.
const SOON: Duration = Duration::from_secs(45);

pub async fn tell() -> Result<(), String> {
    let begin = Instant::now();
    println!("{}  rules over Elasticsearch, judged on a schedule, told once", bold("highwater"));
    let spec = Spec { product: Product::Elasticsearch8, ..Spec::one_node() };
    chapter("1. A cluster, and traffic");
    narrate(&format!("starting Elasticsearch {} on a port of its own (about 20 s)", spec.product.version()));
    let engine = Engine::try_start(spec).await.map_err(|why| format!("{why:?}"))?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let channel = Channel::open().await;
    let highwater = Highwater::new(folder.path(), &engine, &channel);
    let index = traffic::index();
    traffic::create(&engine, &index).await;
    let written = traffic::backfill(&engine, &index, 20).await;
    narrate(&format!("wrote {written} requests of the last 20 minutes to {index}; more come every second"));

    let failing = Arc::new(AtomicBool::new(false));
    tokio::select! {
        () = traffic::live(&engine, &index, failing.clone()) => unreachable!("traffic goes on"),
        done = watched(&engine, &channel, &highwater, &failing) => done?,
    }
    println!(
        "{}",
        dim(format!("It took {} s. Everything that was started is gone again.", begin.elapsed().as_secs()))
    );
    Ok(())
}

async fn watched(
    engine: &Engine,
    channel: &Channel,
    highwater: &Highwater,
    failing: &AtomicBool,
) -> Result<(), String> {
    chapter("2. One look: `highwater check`, with the shipped rules as they are");
    let code = highwater.show(highwater.shipped("check")).await?;
    narrate(&format!("exit code {code}: what a pipeline would act on"));

    chapter("3. The daemon: the same rules with seconds for minutes, examples/demo/rules.yaml");
    let mut daemon = highwater.start()?;
    narrate("`highwater run` is watching; its Slack messages arrive here");
    let stage = Stage { channel, daemon: &daemon };
    turn_red(engine, &stage).await?;
    fail_checkout(&stage, failing).await?;

    chapter("4. In the middle of it: `highwater alerts`, beside the daemon");
    highwater.show(highwater.short("alerts")).await?;

    chapter("5. And all of it goes away again");
    get_well(engine, &stage, failing).await?;
    daemon.stop().await?;
    end(channel);
    Ok(())
}

/// Who is on it, for those who wait.
struct Stage<'a> {
    channel: &'a Channel,
    daemon: &'a Daemon,
}

impl Stage<'_> {
    async fn hears(&self, words: &[&str]) -> Result<(), String> {
        let heard = tokio::time::timeout(SOON, self.channel.hears(words)).await;
        heard.map_err(|_| format!("no message said {words:?} within {SOON:?}\n{}", self.daemon.said()))
    }
}

async fn turn_red(engine: &Engine, stage: &Stage<'_>) -> Result<(), String> {
    narrate("index `orders` asks for a second copy, and there is no second node: the cluster turns yellow");
    engine.make_yellow("orders").await;
    stage.hears(&["WARNING: Cluster health"]).await?;
    narrate("index `invoices` may live on no node at all: the cluster turns red");
    engine.make_red("invoices").await;
    stage.hears(&["CRITICAL: Cluster health", "raised"]).await
}

async fn fail_checkout(stage: &Stage<'_>, failing: &AtomicBool) -> Result<(), String> {
    narrate("the payment provider goes away: `checkout` answers 502 to four requests of ten");
    failing.store(true, Ordering::Relaxed);
    stage.hears(&["WARNING: Share of requests", "checkout"]).await?;
    stage.hears(&["CRITICAL: Share of requests", "checkout"]).await
}

async fn get_well(engine: &Engine, stage: &Stage<'_>, failing: &AtomicBool) -> Result<(), String> {
    narrate("`invoices` may live again, `orders` is content with one copy");
    engine.heal_red("invoices").await;
    engine.heal_yellow("orders").await;
    stage.hears(&["RECOVERED: Cluster health"]).await?;
    narrate("the payment provider is back");
    failing.store(false, Ordering::Relaxed);
    stage.hears(&["RECOVERED: Share of requests", "checkout"]).await
}

fn end(channel: &Channel) {
    chapter("That was it");
    println!("{} messages: every change was told once, and nothing twice.\n", channel.texts().len());
    println!("Try next:");
    for (command, what) in [
        ("cargo build --release", "the binary: target/release/highwater"),
        ("$EDITOR config/highwater.yaml", "your cluster's address, and a Slack webhook"),
        ("highwater validate", "settings and rules, with complaints that point"),
        ("highwater check", "one look with the shipped rules, as in part 2"),
        ("highwater run", "the daemon, as in part 3"),
    ] {
        println!("  {command:<32}{}", dim(what));
    }
    println!();
}
