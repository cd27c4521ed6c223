//! The proof of `import elastalert`: ElastAlert2 2.31 itself and the rules that were imported, over the same documents of the
//! same span of the past, look by look.
//!
//! ElastAlert runs under a clock that is turned by hand (`tests/elastalert/replay.py`), and so does highwater's engine, whose
//! doors ask the real cluster. They agree on a rule where whatever one finds, the other finds within one look, for the same
//! group. What does not agree has to be in [`expected::DIFFERENT`], with its reason, and in `docs/elastalert.md`.

mod compare;
mod documents;
mod expected;
mod past;
mod theirs;

use std::{fs, path::Path, process::Command, time::Instant};

use self::compare::Compared;
use crate::support::{engine::Engine, not_run::or_not_run};

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/elastalert/rules");
/// Both are the same in every run, so the guide's table is what comes out.
const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/elastalert.md");
/// More than this was promised; fewer prove nothing.
const LEAST_RULES: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_elastalert_finds_the_imported_rules_find_and_when() {
    let Some(venv) = or_not_run(theirs::fetched()) else { return };
    let Some(engine) = Engine::shared().await else { return };
    documents::write(engine).await;
    let folder = tempfile::tempdir().unwrap();
    let config = theirs::configure(folder.path(), &engine.urls()[0]);
    let report = import(folder.path(), &config);
    let begun = Instant::now();
    let replay = theirs::start(&venv, &config);
    let ours = past::relive(&folder.path().join("new")).await;
    let took = begun.elapsed();
    let theirs = replay.finished();
    documents::remove(engine).await;
    let compared = Compared::all(&report, &theirs, &ours);
    eprintln!("{}\nhighwater {took:.0?}, both {:.0?}", compare::table(&compared), begun.elapsed());
    assert_eq!(theirs.errors, Vec::<String>::new(), "ElastAlert itself failed");
    expected::judge(&compared);
    assert!(compared.len() >= LEAST_RULES, "{} rules", compared.len());
    let guide = fs::read_to_string(GUIDE).unwrap();
    assert_eq!(compare::not_in(&guide, &compared), Vec::<String>::new(), "the guide says it otherwise");
}

/// The real command, and its report.
fn import(folder: &Path, config: &Path) -> serde_json::Value {
    let output = Command::new(env!("CARGO_BIN_EXE_highwater"))
        .args(["import", "elastalert", RULES, "--format", "json", "--out"])
        .arg(folder.join("new"))
        .arg("--config")
        .arg(config)
        .output()
        .unwrap();
    fs::write(folder.join("report.json"), &output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}
