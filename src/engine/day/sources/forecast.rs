//! When a disk will be as full as Elasticsearch lets it be: nothing is said of that before it is known, and never where the disk may
//! just as well not fill.

use super::{
    super::{
        oracle::{Moment, Promise, Rung, Said},
        truth::{HOUR, MINUTE, Milli, Place, Truth},
    },
    disks::Seen,
};
use crate::model::{Entity, Level};

const HISTORY: Milli = 6 * HOUR;
/// Of the normal distribution, on both sides.
const NINETY_PERCENT: f64 = 1.645;

/// Seconds until `mark`, by what was used at these times.
fn time_left(samples: &[(Milli, i64)], mark: i64) -> Said {
    let (Some((first, _)), Some((last, used))) = (samples.first(), samples.last()) else {
        return Said::Silent;
    };
    if *used >= mark {
        return Said::Number(0.0);
    }
    if last - first < HISTORY / 4 || samples.len() < 8 {
        return Said::Silent;
    }
    let mut slopes = Vec::new();
    for (n, (at, used)) in samples.iter().enumerate() {
        slopes.extend(samples[..n].iter().map(|(before, less)| (used - less) as f64 / (at - before) as f64));
    }
    slopes.sort_by(f64::total_cmp);
    if !provably_fills(&slopes, samples.len() as f64) {
        return Said::Number(f64::INFINITY);
    }
    let middle = slopes.len() / 2;
    let odd = slopes.len() % 2 == 1;
    let per_milli = if odd { slopes[middle] } else { (slopes[middle - 1] + slopes[middle]) / 2.0 };
    Said::Number((mark - used) as f64 / per_milli / 1000.0)
}

/// As Mann and Kendall test it: so few pairs of samples that do not rise are no chance.
fn provably_fills(slopes: &[f64], samples: f64) -> bool {
    let flat = slopes.iter().filter(|slope| **slope <= 0.0).count() as f64;
    let variance = samples * (samples - 1.0) * (2.0 * samples + 5.0) / 18.0;
    let chance = (slopes.len() as f64 - NINETY_PERCENT * variance.sqrt()) / 2.0;
    flat <= chance.max(0.0).floor()
}

/// The disk that is full first; one that nobody knows enough of counts only alone.
fn of_all_disks(truth: &Truth, node: usize, moment: Moment<'_>) -> Said {
    let used = |at: Milli| match truth.disks.seen(node, at) {
        Seen::Used(used) => used,
        Seen::Gone | Seen::Mute | Seen::Nothing => Vec::new(),
    };
    let looks = moment.before.iter().copied().chain([(moment.tick, moment.asked)]);
    let looks = looks.filter(|(tick, _)| *tick >= moment.tick - HISTORY);
    let recorded: Vec<(Milli, Vec<i64>)> = looks.map(|(tick, asked)| (tick, used(asked))).collect();
    let left = (0..used(moment.asked).len()).map(|disk| {
        let of_it = |(tick, used): &(Milli, Vec<i64>)| Some((*tick, *used.get(disk)?));
        time_left(&recorded.iter().filter_map(of_it).collect::<Vec<_>>(), truth.disks.mark(moment.asked))
    });
    let soonest = |one, other| match (one, other) {
        (Said::Number(one), Said::Number(other)) => Said::Number(f64::min(one, other)),
        (Said::Silent, known) | (known, _) => known,
    };
    left.reduce(soonest).unwrap()
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let forecast = Promise::new("storage-forecast", 10 * MINUTE, Place::Cluster)
        .rung(Rung::new(Level::Warning, |left| left < 317.0 * 60.0))
        .rung(Rung::new(Level::Critical, |left| left < 127.0 * 60.0).lasting(20 * MINUTE))
        .gone_for(HOUR)
        .says(move |moment| {
            let said = |node| match truth.disks.seen(node, moment.asked) {
                Seen::Nothing => Said::Nothing,
                Seen::Gone => Said::Gone,
                Seen::Mute => Said::Unknown,
                Seen::Used(_) => of_all_disks(truth, node, moment),
            };
            let of = |(node, name): (usize, &str)| (Entity::of("node", name), said(node));
            truth.disks.names().enumerate().map(of).collect()
        });
    vec![forecast]
}
