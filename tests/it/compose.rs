//! The compose file, read by the program that would run it.

use std::process::Command;

use crate::support::not_run::{self, NotRun};

#[test]
fn the_compose_file_is_valid() {
    let mut compose = Command::new("docker-compose");
    let output = compose.args(["config", "-q"]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let Ok(output) = output else {
        return not_run::record(&NotRun::Missing("the command docker-compose is not installed".to_owned()));
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
