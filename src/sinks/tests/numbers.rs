//! Readings as metrics, asked of every kind that keeps numbers.

use super::*;
use crate::model::Number;

#[test]
fn the_same_readings_of_two_clusters_never_share_a_series() {
    let mut asked = 0;
    for (name, sink) in every_sink().filter(|(_, sink)| sink.keeps_numbers()) {
        let of = |cluster: &str| {
            let readings = samples::readings(&[("es-1", Number::Int(91)), ("es-2", Number::Int(-3))]);
            let readings = Notification { cluster: cluster.to_owned(), ..readings };
            let message = sink.render(&Delivery::of_readings("numbers", readings, Copenhagen), None);
            body(&message).into_owned()
        };
        let (one, other) = (of("main"), of("logs"));
        assert_eq!(one.replace("main", "logs"), other, "{name}");
        assert!(one.matches("main").count() >= 2, "{name}: each of two readings names its cluster in {one}");
        asked += 1;
    }
    assert!(asked >= 3, "{asked} kinds keep numbers");
}
