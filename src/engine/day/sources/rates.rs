//! What is measured of the web shop's requests: how long they take, and whether there are far more of them than usual.

use super::super::{
    oracle::{Promise, Rung, Said},
    sources::web::SERVICES,
    truth::{Doc, HOUR, MINUTE, Milli, Place, Truth},
};
use crate::model::{Entity, Level};

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    vec![latency(truth), surge(truth)]
}

fn of<'t>(truth: &'t Truth, service: &'static str, from: Milli, to: Milli) -> impl Iterator<Item = &'t Doc> {
    truth.documents("http-*", from, to).iter().filter(move |doc| doc.text("service") == service)
}

fn latency(truth: &Truth) -> Promise<'_> {
    Promise::new("web-latency", 2 * MINUTE, Place::Documents)
        .windowed()
        .rung(Rung::new(Level::Warning, |millis| millis > 300.0).good(|millis| millis < 250.0))
        .rung(Rung::new(Level::Critical, |millis| millis > 600.0).lasting(4 * MINUTE))
        .silent_for(HOUR)
        .says(move |moment| {
            let said = |service| {
                let took: Vec<f64> =
                    of(truth, service, moment.tick - 5 * MINUTE, moment.tick).map(millis).collect();
                let mean = took.iter().sum::<f64>() / took.len() as f64;
                if took.is_empty() { Said::Silent } else { Said::Number(mean) }
            };
            SERVICES.map(|service| (Entity::of("service", service), said(service))).into()
        })
}

fn surge(truth: &Truth) -> Promise<'_> {
    Promise::new("web-surge", 5 * MINUTE, Place::Documents)
        .windowed()
        .rung(Rung::new(Level::Warning, |factor| factor > 3.0).good(|factor| factor < 2.0))
        .silent_for(HOUR)
        .says(move |moment| {
            let begin = moment.tick - 10 * MINUTE;
            let anybody = |from, to| !truth.documents("http-*", from, to).is_empty();
            let parts = (1..=6).map(|n| begin - n * 10 * MINUTE);
            // a part in which nothing came at all says nothing of what is usual
            let filled: Vec<Milli> = parts.filter(|from| anybody(*from, from + 10 * MINUTE)).collect();
            let said = |service| {
                let now = of(truth, service, begin, moment.tick).count() as f64;
                let usual = filled
                    .iter()
                    .map(|from| of(truth, service, *from, from + 10 * MINUTE).count())
                    .sum::<usize>();
                if usual < 10 || !anybody(begin, moment.tick) {
                    return Said::Silent;
                }
                let factor = now / (usual as f64 / filled.len() as f64);
                Said::Number(if now < 20.0 { factor.min(1.0) } else { factor })
            };
            SERVICES.map(|service| (Entity::of("service", service), said(service))).into()
        })
}

fn millis(doc: &Doc) -> f64 {
    doc.number("took_ms")
}
