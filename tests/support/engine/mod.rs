//! Real engines: started for a test, ended with it.
//!
//! ```ignore
//! let Some(engine) = Engine::start(Spec::three_nodes()).await else { return };
//! engine.put("/logs", json!({ "settings": { "number_of_replicas": 1 } })).await;
//! engine.bulk("logs", &[json!({ "n": 1 })]).await;
//! engine.kill9(2);
//! engine.wait_for("yellow").await;
//! ```
//!
//! Nothing is left behind: see [`process`]. At most two small engines, or one of several nodes, run at a time.

mod client;
mod config;
pub mod fetch;
pub mod ports;
pub mod process;
mod spec;
mod states;
mod tls;
mod tmpfs;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use self::config::Place;
use self::fetch::Installation;
use self::process::{Group, Watcher};
pub use self::spec::{NodeSpec, Product, Security, Spec};
pub use self::tls::Tls;
pub use self::tmpfs::Tmpfs;
use super::not_run::{NotRun, or_not_run};

pub const ADMIN: &str = "elastic";
pub const ADMIN_PASSWORD: &str = "correct horse battery";

/// Two cores carry two single nodes, or one cluster of several.
static SEATS: Semaphore = Semaphore::const_new(2);
const PATIENCE: Duration = Duration::from_secs(240);

/// An engine that several tests use; it takes no seat, for it never leaves it.
pub type Shared = OnceCell<Result<Engine, NotRun>>;

/// A running cluster of real nodes. Dropping it ends them and removes their folders.
#[derive(Debug)]
pub struct Engine {
    spec: Spec,
    installation: Installation,
    folder: PathBuf,
    places: Vec<Place>,
    groups: Vec<Mutex<Option<Group>>>,
    tls: Option<Tls>,
    client: reqwest::Client,
    _watcher: Watcher,
    _seats: Option<SemaphorePermit<'static>>,
}

impl Engine {
    /// Starts it and waits until all nodes have met. `None`: it cannot run here, which is written down.
    pub async fn start(spec: Spec) -> Option<Engine> {
        or_not_run(Engine::try_start(spec).await)
    }

    pub async fn try_start(spec: Spec) -> Result<Engine, NotRun> {
        let seats = if spec.nodes.len() > 1 { 2 } else { 1 };
        let seats = SEATS.acquire_many(seats).await.expect("never closed");
        Engine::seated(spec, Some(seats)).await
    }

    /// A plain single node for tests that only look, or that keep to indices of their own. Started once.
    pub async fn shared() -> Option<&'static Engine> {
        static SHARED: Shared = Shared::const_new();
        Engine::shared_in(&SHARED, Spec::one_node()).await
    }

    /// The same for a group of tests with an engine of their own; they take turns, or keep out of each other's way.
    pub async fn shared_in(cell: &'static Shared, spec: Spec) -> Option<&'static Engine> {
        let engine = cell.get_or_init(|| Engine::seated(spec, None)).await;
        or_not_run(engine.as_ref().map_err(Clone::clone))
    }

    async fn seated(spec: Spec, seats: Option<SemaphorePermit<'static>>) -> Result<Engine, NotRun> {
        if spec.security.is_some() && spec.product.is_opensearch() {
            return Err(NotRun::NotApplicable("the OpenSearch of Maven has no security".to_owned()));
        }
        let product = spec.product;
        let found = tokio::task::spawn_blocking(move || Installation::of(product)).await;
        let installation = found.expect("looking for the engine does not panic")?;
        let folder = tempfile::Builder::new().prefix("highwater-engine-").tempdir().expect("a folder").keep();
        let watcher = Watcher::of_engine(&folder);
        let tls = spec.security.as_ref().map(|_| Tls::write(&folder.join("tls")));
        let engine = Engine {
            places: (1..=spec.nodes.len()).map(|n| place(&folder, n)).collect(),
            groups: spec.nodes.iter().map(|_| Mutex::new(None)).collect(),
            client: client::build(tls.as_ref()),
            installation,
            folder,
            tls,
            spec,
            _watcher: watcher,
            _seats: seats,
        };
        engine.prepare();
        (0..engine.places.len()).for_each(|node| engine.launch(node));
        engine.wait_until_met(engine.places.len()).await;
        Ok(engine)
    }

    fn prepare(&self) {
        for node in 0..self.places.len() {
            config::write(&self.spec, &self.places, node, &self.installation, self.tls.as_ref());
            self.installation.give(&self.places[node].folder);
        }
        open(&self.folder);
        if let Some(tls) = &self.tls {
            open(tls.ca.parent().expect("a folder"));
        }
    }

    fn launch(&self, node: usize) {
        let place = &self.places[node];
        let (java, heap) = (&self.installation.java, self.spec.heap_mb);
        let mut command = self.installation.prefix();
        let mut environment = vec![("HOME", place.folder.display().to_string())];
        if self.spec.product.is_opensearch() {
            command.push(java.join("bin/java").display().to_string());
            command.extend(opensearch(&self.installation.home, &place.folder, heap));
        } else {
            command.push(self.installation.home.join("bin/elasticsearch").display().to_string());
            environment.extend([
                ("ES_JAVA_HOME", java.display().to_string()),
                ("ES_PATH_CONF", place.folder.join("config").display().to_string()),
                ("ES_TMPDIR", place.folder.join("tmp").display().to_string()),
                ("CLI_JAVA_OPTS", "-XX:-UsePerfData".to_owned()),
                ("ES_JAVA_OPTS", format!("-Xms{heap}m -Xmx{heap}m -XX:TieredStopAtLevel=1 -XX:-UsePerfData")),
            ]);
        }
        *self.group(node) = Some(Group::spawn(&place.folder, &command, &environment));
    }

    fn group(&self, node: usize) -> MutexGuard<'_, Option<Group>> {
        self.groups[node].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills one node with -9; counted from 0.
    pub fn kill9(&self, node: usize) {
        self.group(node).take().expect("the node runs").kill();
    }

    /// Stops one node as an operator would.
    pub fn stop(&self, node: usize) {
        self.group(node).take().expect("the node runs").stop();
    }

    /// The node hangs: it holds its connections and answers nothing.
    pub fn freeze(&self, node: usize) {
        self.group(node).as_ref().expect("the node runs").freeze();
    }

    pub fn thaw(&self, node: usize) {
        self.group(node).as_ref().expect("the node runs").signal("CONT");
    }

    /// Starts a stopped node again with its data and ports; does not wait.
    pub fn restart(&self, node: usize) {
        if let Some(group) = self.group(node).take() {
            group.stop();
        }
        self.launch(node);
    }

    /// Waits until `count` nodes form a cluster; fails with the log of a node that ended instead.
    pub async fn wait_until_met(&self, count: usize) {
        let path = format!("/_cluster/health?wait_for_nodes=>={count}&timeout=1s");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.try_request("GET", &path, None).await;
            if answer.as_ref().is_ok_and(|(status, _)| *status == 200) {
                return;
            }
            self.complain_of_the_dead();
            assert!(Instant::now() < deadline, "no {count} nodes together; last answer {answer:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn complain_of_the_dead(&self) {
        for node in 0..self.places.len() {
            let ended = self.group(node).as_mut().is_some_and(Group::ended);
            assert!(!ended, "node {} ended by itself:\n{}", self.places[node].name, self.log(node));
        }
    }

    /// The last lines that a node wrote.
    pub fn log(&self, node: usize) -> String {
        let text = std::fs::read(self.places[node].folder.join("out.log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    pub fn product(&self) -> Product {
        self.spec.product
    }

    pub fn urls(&self) -> Vec<String> {
        (0..self.places.len()).map(|node| self.url(node)).collect()
    }

    pub fn url(&self, node: usize) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.places[node].http)
    }

    pub fn node_names(&self) -> Vec<&str> {
        self.places.iter().map(|place| place.name.as_str()).collect()
    }

    /// The certificates of a secured engine.
    pub fn tls(&self) -> &Tls {
        self.tls.as_ref().expect("a secured engine")
    }

    pub fn ca_pem(&self) -> &Path {
        &self.tls().ca
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for node in 0..self.places.len() {
            if let Some(group) = self.group(node).take() {
                group.kill();
            }
        }
    }
}

fn place(folder: &Path, number: usize) -> Place {
    let name = format!("n{number}");
    Place { folder: folder.join(&name), name, http: ports::http(), transport: ports::transport() }
}

/// Lets the engine's user in.
fn open(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("our own folder");
}

fn opensearch(home: &Path, folder: &Path, heap: u32) -> Vec<String> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/opensearch-2.19.1/Node.java");
    // the engine's user may not see this tree
    let program = folder.join("Node.java");
    std::fs::copy(source, &program).expect("Node.java");
    vec![
        format!("-Xms{heap}m"),
        format!("-Xmx{heap}m"),
        "-XX:+UseSerialGC".to_owned(),
        "-XX:TieredStopAtLevel=1".to_owned(),
        "-Dlog4j2.disable.jmx=true".to_owned(),
        format!("-Djava.io.tmpdir={}", folder.join("tmp").display()),
        "-cp".to_owned(),
        home.join("lib/*").display().to_string(),
        program.display().to_string(),
        folder.display().to_string(),
    ]
}
