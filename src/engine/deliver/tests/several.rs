//! Deliveries that take more than one message, or more than one server.

use super::*;

const TAKEN: &str = r#"{"requestId":"r-1"}"#;
const DONE: &str = r#"{"data":{"isSuccess":true,"status":"Created alert"}}"#;

fn genie(receiver: &Receiver) -> Arc<dyn Sink> {
    sink("opsgenie: { api_key: k, url: RECEIVER }", receiver)
}

#[tokio::test]
async fn a_result_that_takes_its_time_is_awaited_without_holding_up_the_sink() {
    let not_yet = || Reply::text(404, r#"{"message":"It might not be processed, yet."}"#);
    let script = move |n: usize| match n {
        0 => Reply::text(202, TAKEN),
        1 | 2 => not_yet(),
        _ => Reply::text(200, DONE),
    };
    let receiver = Receiver::start(script).await;
    let mut bench = Bench::new(quick(), vec![("genie", genie(&receiver))]);
    bench.put("genie", &["a/1"]).await;
    assert_eq!(bench.fact().await, SinkFact::Working { sink: "genie".to_owned() });
    bench.drained("genie").await;
    let seen = receiver.seen();
    assert_eq!(seen.len(), 4, "asked once, looked at three times");
    for pair in seen[1..].windows(2) {
        assert!(pair[1].at - pair[0].at >= Duration::from_millis(990));
    }
    let counts = ["wait", "accepted", "later"].map(|verdict| bench.count("genie", verdict));
    assert_eq!(counts, [2, 1, 0]);
}

#[tokio::test]
async fn while_one_result_is_awaited_other_lanes_go_out() {
    let script = |n: usize| match n {
        1 => Reply::text(404, "{}"),
        n if n % 2 == 0 && n < 8 => Reply::text(202, TAKEN),
        _ => Reply::text(200, DONE),
    };
    let receiver = Receiver::start(script).await;
    let bench = Bench::new(quick(), vec![("genie", genie(&receiver))]);
    bench.put("genie", &["a/1"]).await;
    receiver.wait_for(2).await;
    for id in ["b/1", "c/1", "d/1"] {
        let waiting = bench.depth("genie").await.queued;
        bench.put("genie", &[id]).await;
        while bench.depth("genie").await.queued > waiting {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    let seen = receiver.seen();
    assert_eq!(seen.len(), 8);
    assert!(seen[7].at - seen[1].at < Duration::from_millis(900), "three other lanes, and a still waits");
    bench.drained("genie").await;
}

#[tokio::test]
async fn a_look_that_was_begun_goes_on_after_a_restart_and_the_request_is_not_made_again() {
    let receiver =
        Receiver::start(|n| if n == 0 { Reply::text(202, TAKEN) } else { Reply::text(404, "{}") }).await;
    let mut bench = Bench::new(quick(), vec![("genie", genie(&receiver))]);
    bench.put("genie", &["a/1"]).await;
    receiver.wait_for(2).await;
    bench.stop().await;
    let again = Receiver::start(|_| Reply::text(200, DONE)).await;
    let next = Bench::over(bench.store.clone(), quick(), vec![("genie", genie(&again))], SOON);
    next.drained("genie").await;
    let seen = again.seen();
    assert_eq!((seen.len(), seen[0].body.as_str()), (1, ""), "one look");
}

#[tokio::test]
async fn a_cluster_is_told_at_each_server_and_one_that_takes_it_is_enough() {
    let (well, ill) =
        (Receiver::start(|_| Reply::status(200)).await, Receiver::start(|_| Reply::status(500)).await);
    let gone = Receiver::gone().await;
    let yaml = format!(
        "alertmanager: {{ urls: [\"http://{}\", \"http://{}\", RECEIVER] }}",
        gone.address, ill.address
    );
    let bench = Bench::new(quick(), vec![("am", sink(&yaml, &well))]);
    bench.put("am", &["r/1"]).await;
    bench.drained("am").await;
    assert_eq!((well.seen().len(), ill.seen().len()), (1, 1));
    assert_eq!(well.seen()[0].body, ill.seen()[0].body);
    assert_eq!(bench.count("am", "accepted"), 1);
}

#[tokio::test]
async fn a_cluster_of_which_nobody_takes_it_is_asked_again_and_one_that_judges_it_is_believed() {
    let (ill, judge) =
        (Receiver::start(|_| Reply::status(503)).await, Receiver::start(|_| Reply::status(400)).await);
    let yaml = format!("alertmanager: {{ urls: [\"http://{}\", RECEIVER] }}", ill.address);
    let mut bench = Bench::new(quick(), vec![("am", sink(&yaml, &judge))]);
    bench.put("am", &["r/1"]).await;
    let SinkFact::Dead { why, .. } = bench.fact().await else { panic!() };
    assert_eq!(why, "answered 400");
    let down = Receiver::start(|n| Reply::status(if n < 2 { 503 } else { 200 })).await;
    let yaml = format!("alertmanager: {{ urls: [\"http://{}\", RECEIVER] }}", ill.address);
    let bench = Bench::new(quick(), vec![("am", sink(&yaml, &down))]);
    bench.put("am", &["r/2"]).await;
    bench.drained("am").await;
    assert_eq!((bench.count("am", "later"), bench.count("am", "accepted")), (2, 1));
}

#[tokio::test]
async fn a_plain_message_of_several_steps_is_walked_to_its_end_and_then_it_is_dead() {
    const DISCARDED: &str = r#"{"data":{"isSuccess":false,"status":"Discarded"}}"#;
    let script = |n: usize| match n {
        0 | 3 => Reply::text(202, TAKEN),
        1 | 4 => Reply::text(404, "{}"),
        _ => Reply::text(200, DISCARDED),
    };
    let receiver = Receiver::start(script).await;
    let mut bench = Bench::new(quick(), vec![("genie", genie(&receiver))]);
    bench.put("genie", &["a/1"]).await;
    let SinkFact::Dead { why, .. } = bench.fact().await else { panic!() };
    assert_eq!(why, "took it, and then said: Discarded");
    let seen = receiver.seen();
    assert_eq!(seen.len(), 6, "opened, looked at twice; in few words once more");
    assert!(seen[3].body.len() < seen[0].body.len() && !seen[3].body.is_empty());
}
