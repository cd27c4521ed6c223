use super::*;
use crate::engine::world::{MINUTE, World, at, percent, rule};

fn look() -> Look {
    let window = crate::model::Window::ending(at("10:00"), Duration::ZERO);
    Look { cluster: NO_CLUSTER.to_owned(), window, asked: window.end, timeout: MINUTE }
}

#[test]
fn every_second_look_fires_and_every_other_recovers() {
    let mut memory = Memory::default();
    let mut values = Vec::new();
    for _ in 0..4 {
        let (seen, after) = Song.read(&look(), &[], memory);
        memory = after;
        let Observation::Seen { findings, .. } = seen else { panic!() };
        let Finding::Value(reading) = &findings[&Entity::empty()] else { panic!() };
        values.push(reading.value);
    }
    assert_eq!(values, [1, 0, 1, 0].map(Number::Int));
}

#[tokio::test]
async fn a_canary_that_is_not_heard_is_told_to_others_than_who_does_not_hear_it() {
    let mut world = World::new(rule(false), at("10:00"), |_| percent(1.0)).await;
    let canary = Canary { every: MINUTE * 60, notify: vec!["ear".to_owned()] };
    let settings = Settings { canary: Some(canary), ..(*world.engine.settings).clone() };
    world.engine.settings = Arc::new(settings);
    world.engine.mind_canary().await;
    world.clock.turn_to(at("11:06"));
    world.engine.mind_canary().await;
    world.listen().await;
    assert_eq!(world.titles, Vec::<String>::new());
    world.clock.turn_to(at("11:07"));
    world.engine.mind_canary().await;
    lock(&world.engine.songs).by.insert("ear".to_owned(), at("11:10"));
    world.clock.turn_to(at("11:11"));
    world.engine.mind_canary().await;
    world.listen().await;
    assert_eq!(
        world.titles,
        [
            "CRITICAL: The canary is not heard by sink ear (highwater)",
            "RECOVERED: The canary is heard by sink ear again (highwater)"
        ]
    );
    assert_eq!(world.said_to("ear"), Vec::<String>::new());
}
