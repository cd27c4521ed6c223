//! Against a double of a Teams workflow.

use super::{
    service::{Service, ends_without_a_word_of_the_key, told_elsewhere},
    *,
};
use crate::support::wire::{self, Seen};

/// The colour of its head and what it says first.
fn card(seen: &Seen) -> String {
    let body: Value = serde_json::from_str(&seen.body).unwrap();
    let head = &body["attachments"][0]["content"]["body"][0];
    let title = head["items"][0]["inlines"][0]["text"].as_str().unwrap_or_default();
    format!("{} {}", head["style"].as_str().unwrap_or_default(), title.split(':').next().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_gets_a_card_for_each_change_and_a_workflow_that_is_off_is_told_elsewhere() {
    let (world, teams) = (World::start().await, Service::start(|_| wire::answer(202, &[], b"")));
    let home = world.home(&json!({ "teams": { "webhook_url": "${env:CHANNEL}" } }));
    let home = home.env("CHANNEL", &format!("{}/workflows/{KEY}/triggers?sig={KEY}", teams.url()));
    teams.limits_once(2);
    let daemon = home.start().await;
    world.fails(60);
    teams.until(&["warning WARNING"], card).await;
    world.fails(100);
    teams.until(&["warning WARNING", "attention CRITICAL"], card).await;
    world.fails(0);
    teams.until(&["warning WARNING", "attention CRITICAL", "good RECOVERED"], card).await;
    teams.assert_believed(2);
    assert!(teams.asked()[0].seen.target.ends_with(&format!("/triggers?sig={KEY}")));
    assert!(teams.asked()[0].seen.body.contains("checkout <!channel>"), "{}", teams.asked()[0].seen.body);
    let off = json!({ "error": { "code": "WorkflowTriggerIsNotEnabled", "message": "Could not execute workflow" } });
    teams.refuses(400, &off);
    world.fails(60);
    told_elsewhere(&world, "highwater-sink-misconfigured pager", "the workflow is turned off; turn it on")
        .await;
    ends_without_a_word_of_the_key(&world, &home, daemon).await;
}
