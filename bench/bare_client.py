"""The least that can ask the same: it sends ready-made bodies, five in flight, and reads the answers."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import audit

IN_FLIGHT = 5
BATCH = 250


def send(engine, path, body):
    """Status and text of the answer, over a connection of its own."""
    connection = HTTPConnection("127.0.0.1", engine.port, timeout=60)
    kind = "application/x-ndjson" if path.endswith("_msearch") else "application/json"
    connection.request("POST", path, body, {"content-type": kind})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, text


def search(service, end):
    """What highwater asks when it asks one rule alone."""
    window = {"range": {"@timestamp": {"gte": end - 900_000, "lt": end, "format": "epoch_millis"}}}
    failed = {"filter": {"range": {"responseCode": {"gte": 500}}}}
    return {
        "size": 0, "track_total_hits": True, "timeout": "27000ms",
        "query": {"bool": {"filter": [window, {"term": {"service": audit.name(service)}}]}}, "aggs": {"c0": failed},
    }


def searches():
    """One for every rule, with the window that highwater would ask for now."""
    end = (int(time.time()) - 30) * 1000
    return [json.dumps(search(service, end)) for service in range(audit.SERVICES)]


def batches():
    header = json.dumps({"index": audit.INDEX})
    lines = [f"{header}\n{body}\n" for body in searches()]
    return ["".join(lines[at : at + BATCH]) for at in range(0, len(lines), BATCH)]


def ask(engine, path, bodies):
    """Seconds that the bodies take."""
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        started = time.perf_counter()
        answers = list(pool.map(lambda body: send(engine, path, body), bodies))
        took = time.perf_counter() - started
    refused = [text for status, text in answers if status != 200]
    if refused:
        raise RuntimeError(f"the bare client was refused: {refused[0][:500]}")
    return took


def ask_batched(engine):
    return ask(engine, "/_msearch", batches())


def ask_one_by_one(engine):
    """One search a rule: CPU seconds of the engine, and how long that took."""
    before = engine.cpu()
    took = ask(engine, f"/{audit.INDEX}/_search", searches())
    return engine.cpu() - before, took
