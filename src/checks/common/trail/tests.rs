use proptest::{collection::vec, prelude::*};

use super::*;

const MINUTE: i64 = 60_000_000_000;

fn time(nanoseconds: i64) -> Time {
    Time::from_timestamp_nanos(nanoseconds)
}

/// A document of one index, which is its id, too.
fn document(partition: i64, at: i64, number: i64, id: usize) -> Document {
    let mark = Mark(at, number);
    Document { index: format!("i{}", id % 2), id: id.to_string(), partition, mark, at, source: None }
}

/// What an engine that has these documents answers.
fn answer(all: &[Document], page: &Page) -> PageAnswer {
    let known = |one: &Document| page.except.get(&one.index).is_some_and(|ids| ids.contains(&one.id));
    let mut found: Vec<Document> = all
        .iter()
        .filter(|one| time(one.at) < page.until && page.since.is_none_or(|since| time(one.at) >= since))
        .filter(|one| page.after.get(&one.partition).is_none_or(|after| one.mark > *after) && !known(one))
        .cloned()
        .collect();
    found.sort_by_key(|one| (one.partition, one.mark));
    let more = found.len() >= page.size;
    found.truncate(page.size);
    PageAnswer { documents: found, more }
}

/// Pages until there is no more.
fn follow(trail: &mut Trail, all: &[Document], until: i64, size: usize) -> Vec<String> {
    let mut new = Vec::new();
    for _ in 0..10_000 {
        let way = Way { index: "i", time_field: "t", order: Order::Time, until: time(until), size };
        let page = answer(all, &trail.next(way));
        new.extend(trail.take(&page, time(until - MINUTE)).iter().map(|one| one.id.clone()));
        if !trail.more {
            return new;
        }
    }
    panic!("the pages do not come to an end")
}

#[test]
fn documents_that_share_a_place_are_all_taken_however_small_the_page() {
    let all: Vec<Document> = (0..40).map(|n| document(0, 5, n as i64 / 7, n)).collect();
    for size in [1, 2, 3, 50] {
        let mut trail = Trail::default();
        let mut taken = follow(&mut trail, &all, MINUTE * 10, size);
        taken.sort_by_key(|id| id.parse::<usize>().unwrap());
        let ids: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        assert_eq!(taken, ids, "pages of {size}");
    }
}

#[test]
fn a_late_document_is_taken_within_the_overlap_and_what_was_taken_is_not_taken_again() {
    let mut all = vec![document(0, MINUTE * 9, 1, 1), document(0, MINUTE * 10, 2, 2)];
    let mut trail = Trail::default();
    assert_eq!(follow(&mut trail, &all, MINUTE * 10 + 1, 10), ["1", "2"]);
    all.push(document(0, MINUTE * 10 - 5, 3, 3));
    assert_eq!(follow(&mut trail, &all, MINUTE * 10 + 9, 10), ["3"]);
    assert!(follow(&mut trail, &all, MINUTE * 10 + 9, 10).is_empty());
}

#[test]
fn the_same_id_in_another_index_is_another_document() {
    let mut trail = Trail::default();
    let one = document(0, 5, 1, 4);
    let mut other = one.clone();
    other.index = "i9".to_owned();
    assert_eq!(follow(&mut trail, std::slice::from_ref(&one), MINUTE, 10).len(), 1);
    assert_eq!(follow(&mut trail, &[one, other], MINUTE, 10).len(), 1);
}

#[test]
fn what_is_remembered_is_bounded_and_old_indices_are_forgotten() {
    let mut trail = Trail::default();
    let all: Vec<Document> = (0..25_000).map(|n| document(0, MINUTE * 10, n as i64, n)).collect();
    assert_eq!(follow(&mut trail, &all, MINUTE * 10 + 1, 5_000).len(), 25_000);
    assert!(trail.taken.len() <= MOST, "{}", trail.taken.len());
    let mut later = document(0, MINUTE * 90, 1, 99_999);
    later.index = "new".to_owned();
    assert_eq!(follow(&mut trail, &[later], MINUTE * 100, 10), ["99999"]);
    assert_eq!((trail.taken.len(), trail.indices), (1, vec!["new".to_owned()]));
}

#[test]
fn numbers_above_two_to_the_53_stay_what_they_are() {
    let first = (3_i64 << 51) + 1;
    let mark = |n: i64| Document { mark: Mark(first + n, 0), ..document(3, n, 0, n as usize) };
    let mut trail = Trail::default();
    trail.take(&PageAnswer { documents: vec![mark(0), mark(1)], more: false }, time(1));
    let stored = serde_json::to_string(&trail).unwrap();
    let trail: Trail = serde_json::from_str(&stored).unwrap();
    assert_eq!(trail.passed[&3], Mark(first, 0));
}

proptest! {
    /// Documents become visible in any order, within the overlap; looks are cut anywhere and go on from what was stored.
    #[test]
    fn every_document_is_taken_exactly_once(
        places in vec((0_i64..40, 0_i64..4, 0_i64..30), 1..120),
        size in 1_usize..20,
    ) {
        let second = MINUTE / 60;
        let all: Vec<(i64, Document)> = places
            .iter()
            .enumerate()
            .map(|(id, (at, number, late))| ((at + late) * second, document(0, at * second, *number, id)))
            .collect();
        let mut trail = Trail::default();
        let mut taken = Vec::new();
        for now in 0..80 {
            let visible: Vec<Document> = all.iter().filter(|(from, _)| *from <= now * second).map(|(_, one)| one.clone()).collect();
            let way = Way { index: "i", time_field: "t", order: Order::Time, until: time(now * second + 1), size };
            loop {
                let page = answer(&visible, &trail.next(way.clone()));
                taken.extend(trail.take(&page, time((now - 60) * second)).iter().map(|one| one.id.clone()));
                trail = serde_json::from_value(serde_json::to_value(&trail).unwrap()).unwrap();
                if !trail.more {
                    break;
                }
            }
        }
        taken.sort_by_key(|id| id.parse::<usize>().unwrap());
        let ids: Vec<String> = (0..all.len()).map(|n| n.to_string()).collect();
        prop_assert_eq!(taken, ids);
    }
}
