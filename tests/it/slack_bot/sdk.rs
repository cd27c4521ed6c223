//! What is sent to Slack, held against the models of Slack's own SDK.

use std::{path::Path, process::Command};

use crate::support::not_run;

#[test]
fn every_golden_message_is_one_by_the_rules_of_slacks_own_sdk() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(sdk) = not_run::or_not_run(super::fetched("sdk")) else { return };
    let mut check = Command::new("python3");
    check.arg(root.join("scripts/check-slack-messages")).arg(root.join("src/sinks")).env("PYTHONPATH", sdk);
    let output = check.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let checked: usize = said.split(' ').next().unwrap().parse().unwrap();
    assert!(checked >= 19, "{said}");
}
