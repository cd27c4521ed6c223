//! A page of documents, from question to what is proven to be the next of them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    Inner, body,
    complete::{self, malformed},
    fields::{self, Wanted},
    request::Request,
    sought,
};
use crate::model::{
    Reason, Time,
    query::{Document, Mark, Order, Page, PageAnswer},
};

/// The first documents of `page`. Where they are too large for one answer, fewer come; one that is too large alone comes without
/// its source.
pub(super) async fn page(door: &Arc<Inner>, tick: Time, page: Page) -> Result<PageAnswer, Reason> {
    let mut size = page.size.max(1);
    let answer = loop {
        match ask(door, tick, &page, size, true).await {
            Err(reason) if body::is_too_large(&reason) && size > 1 => size = size.div_ceil(8),
            Err(reason) if body::is_too_large(&reason) => break ask(door, tick, &page, 1, false).await?,
            answer => break answer?,
        }
    };
    let mut needed = vec![Wanted::date(&page.time_field)];
    if let Order::Sequence { field, partition } = &page.order {
        needed.extend([Wanted::any(field), Wanted::any(partition)]);
    }
    for field in needed {
        match answer.documents.is_empty() {
            true => fields::demand(door, tick, &page.index, field).await?,
            false => fields::demand_of_each(door, tick, &page.index, field).await?,
        }
    }
    Ok(answer)
}

async fn ask(
    door: &Arc<Inner>,
    tick: Time,
    page: &Page,
    size: usize,
    with_source: bool,
) -> Result<PageAnswer, Reason> {
    let text = format!("{}\n{}\n", sought::header(&page.index), body_of(door, page, size, with_source));
    let mut body = door.client.send(tick, &Request::searches(text)).await?;
    let item = body.pointer_mut("/responses/0").map(Value::take);
    let item = item.ok_or_else(|| malformed("the answer to a search lacks `responses`"))?;
    complete::search(&page.index, &item).map_err(|setback| setback.reason)?;
    read(page, size, item)
}

fn body_of(door: &Inner, page: &Page, size: usize, with_source: bool) -> Value {
    let source = match (with_source, &page.source[..]) {
        (false, _) => Value::Bool(false),
        (true, []) => Value::Bool(true),
        (true, some) => json!(some),
    };
    json!({
        "size": size,
        "track_total_hits": false,
        "timeout": format!("{}ms", door.client.timeout().as_millis() * 9 / 10),
        "query": query(page),
        "sort": sort(page),
        "_source": source,
    })
}

fn sort(page: &Page) -> Value {
    let by = |field: &str, order: Value| Value::Object(Map::from_iter([(field.to_owned(), order)]));
    // nanoseconds, whether the field is a `date` or a `date_nanos`
    let time = json!({ "order": "asc", "numeric_type": "date_nanos", "unmapped_type": "date" });
    let number = json!({ "order": "asc", "unmapped_type": "long" });
    match &page.order {
        Order::Time => json!([by(&page.time_field, time), by("_seq_no", json!({ "order": "asc" }))]),
        Order::Sequence { field, partition } => {
            json!([by(partition, number.clone()), by(field, number), by(&page.time_field, time)])
        }
    }
}

fn query(page: &Page) -> Value {
    let mut time = json!({ "lt": page.until.timestamp_millis(), "format": "epoch_millis" });
    time["gte"] = page.since.map_or(0, |since| since.timestamp_millis().max(0)).into();
    let mut filter = vec![range(&page.time_field, time)];
    filter.extend(page.filter.iter().map(|filter| filter.query().clone()));
    filter.extend(comes_after(page));
    if let Order::Sequence { field, partition } = &page.order {
        filter.extend([field, partition].map(|field| json!({ "exists": { "field": field } })));
    }
    let known = page.except.iter().map(|(index, ids)| {
        json!({ "bool": { "filter": [{ "term": { "_index": index } }, { "ids": { "values": ids } }] } })
    });
    json!({ "bool": { "filter": filter, "must_not": known.collect::<Vec<Value>>() } })
}

fn range(field: &str, bounds: Value) -> Value {
    json!({ "range": Map::from_iter([(field.to_owned(), bounds)]) })
}

/// What comes after the marks; where there are none, that is everything.
fn comes_after(page: &Page) -> Option<Value> {
    if page.after.is_empty() {
        return None;
    }
    let mut ways = Vec::new();
    match &page.order {
        Order::Time => {
            for Mark(time, number) in page.after.values() {
                let at = nanoseconds(*time);
                let format = "strict_date_optional_time_nanos";
                ways.push(range(&page.time_field, json!({ "gt": at, "format": format })));
                let same = range(&page.time_field, json!({ "gte": at, "lte": at, "format": format }));
                ways.push(all_of([same, range("_seq_no", json!({ "gt": number }))]));
            }
        }
        Order::Sequence { field, partition } => {
            let known: Vec<i64> = page.after.keys().copied().collect();
            for (of, Mark(number, _)) in &page.after {
                ways.push(all_of([term(partition, *of), range(field, json!({ "gt": number }))]));
            }
            let terms = json!({ "terms": Map::from_iter([(partition.clone(), json!(known))]) });
            ways.push(json!({ "bool": { "must_not": terms } }));
        }
    }
    Some(json!({ "bool": { "should": ways, "minimum_should_match": 1 } }))
}

fn all_of(queries: [Value; 2]) -> Value {
    json!({ "bool": { "filter": queries } })
}

fn term(field: &str, value: i64) -> Value {
    json!({ "term": Map::from_iter([(field.to_owned(), Value::from(value))]) })
}

fn nanoseconds(since_the_epoch: i64) -> String {
    Time::from_timestamp_nanos(since_the_epoch).to_rfc3339_opts(chrono::SecondsFormat::Nanos, true)
}

fn read(page: &Page, size: usize, mut item: Value) -> Result<PageAnswer, Reason> {
    let hits = item.pointer_mut("/hits/hits").and_then(Value::as_array_mut).map(std::mem::take);
    let hits = hits.ok_or_else(|| malformed("the answer lacks its documents"))?;
    let more = hits.len() >= size;
    let documents = hits.into_iter().map(|hit| document(page, hit)).collect::<Result<_, _>>()?;
    Ok(PageAnswer { documents, more })
}

fn document(page: &Page, mut hit: Value) -> Result<Document, Reason> {
    let text = |name: &str| hit.get(name).and_then(Value::as_str).map(str::to_owned);
    let (index, id) = (text("_index"), text("_id"));
    let (Some(index), Some(id)) = (index, id) else {
        return Err(malformed("a document has no `_index` or no `_id`"));
    };
    let sort = part_of_sort(&hit)?;
    let (partition, mark, at) = match (&page.order, &sort[..]) {
        (Order::Time, [at, number]) => (0, Mark(*at, *number), *at),
        (Order::Sequence { .. }, [partition, number, at]) => (*partition, Mark(*number, 0), *at),
        _ => return Err(malformed(format!("document `{id}` does not say where it stands"))),
    };
    let source = hit.get_mut("_source").map(Value::take);
    Ok(Document { index, id, partition, mark, at, source })
}

fn part_of_sort(hit: &Value) -> Result<Vec<i64>, Reason> {
    let sort = hit.get("sort").and_then(Value::as_array).into_iter().flatten();
    let whole =
        |value: &Value| value.as_i64().ok_or_else(|| malformed(format!("`{value}` is no place in an order")));
    sort.map(whole).collect()
}
