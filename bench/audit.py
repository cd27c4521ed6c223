"""A million audit documents, a thousand services, and the question that is asked of each."""

import time
from concurrent.futures import ThreadPoolExecutor

from process import say

INDEX = "audit"
DOCUMENTS = 1_000_000
SERVICES = 1_000
BATCH = 20_000
# The documents lie evenly from before the first window to after the last one, so that every window of the run holds
# as many of them as any other: 15 minutes of 27.
BEFORE, AFTER = 17 * 60, 10 * 60
# One service in a hundred fails, three requests in ten; the others two in a hundred.
FAILING = SERVICES // 100

MAPPINGS = {
    "dynamic": "strict",
    "properties": {
        "@timestamp": {"type": "date"}, "service": {"type": "keyword"}, "method": {"type": "keyword"},
        "path": {"type": "keyword"}, "responseCode": {"type": "short"}, "duration": {"type": "integer"},
    },
}
# Repeated questions are to be answered by looking, whoever asks.
SETTINGS = {
    "number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1", "requests.cache.enable": False,
    "translog.durability": "async",
}


def name(service):
    return f"svc-{service:04}"


def fails(service):
    return service % 100 == 7


def document(number, first):
    service, turn = number % SERVICES, number // SERVICES
    failed = turn % 10 < 3 if fails(service) else turn % 50 == 0
    at = first + number * (BEFORE + AFTER) * 1000 // DOCUMENTS
    code = 503 if failed else (200, 200, 201, 204, 404)[turn % 5]
    return (
        f'{{"create":{{}}}}\n{{"@timestamp":{at},"service":"{name(service)}","method":"{("GET", "POST")[turn % 2]}",'
        f'"path":"/api/v1/items/{turn % 97}","responseCode":{code},"duration":{(number * 7919) % 900}}}\n'
    )


def load(engine):
    say(f"writing {DOCUMENTS:,} audit documents")
    engine.ask("PUT", f"/{INDEX}", {"settings": SETTINGS, "mappings": MAPPINGS})
    first = int(time.time() - BEFORE) * 1000

    def write(start):
        body = "".join(document(number, first) for number in range(start, start + BATCH))
        if engine.ask("POST", f"/{INDEX}/_bulk?filter_path=errors", body)["errors"]:
            raise RuntimeError("documents were refused")

    with ThreadPoolExecutor(2) as writers:
        list(writers.map(write, range(0, DOCUMENTS, BATCH)))
    engine.ask("POST", f"/{INDEX}/_flush")
    engine.ask("POST", f"/{INDEX}/_refresh")
    while engine.ask("GET", f"/{INDEX}/_stats/merge")["_all"]["total"]["merges"]["current"]:
        time.sleep(0.5)
    count = engine.ask("GET", f"/{INDEX}/_count")["count"]
    if count != DOCUMENTS:
        raise RuntimeError(f"{count} documents were written")


def highwater_rules(folder):
    folder.mkdir()
    rules = "".join(
        f"""  - id: errors-{name(service)}
    summary: Share of failed requests
    check:
      ratio:
        index: {INDEX}
        window: 15m
        filter: {{ term: {{ service: {name(service)} }} }}
        numerator: {{ range: {{ responseCode: {{ gte: 500 }} }} }}
    schedule: every 1m
    levels: {{ critical: above 10% }}
    no_data: keep
"""
        for service in range(SERVICES)
    )
    (folder / "audit.yaml").write_text("rules:\n" + rules)
    return folder


def elastalert_rules(folder):
    folder.mkdir()
    for service in range(SERVICES):
        (folder / f"{name(service)}.yaml").write_text(
            f"""name: errors-{name(service)}
type: percentage_match
index: {INDEX}
filter: [{{ term: {{ service: {name(service)} }} }}]
match_bucket_filter: [{{ range: {{ responseCode: {{ gte: 500 }} }} }}]
max_percentage: 10
buffer_time: {{ minutes: 15 }}
allow_buffer_time_overlap: true
realert: {{ minutes: 0 }}
alert: [debug]
"""
        )
    return folder
