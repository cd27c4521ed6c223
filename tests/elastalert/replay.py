"""ElastAlert2 2.31 itself over a span of the past: its own code and its own queries, under a clock that is turned by hand.

    python replay.py CONFIG START END > matches.json

Every rule is run at every multiple of its `run_every`, as its scheduler would; what it matches is written down, before
`realert` silences any of it. No alert is sent, and nothing is written back.
"""

import datetime
import json
import logging
import sys
from collections import defaultdict

from elastalert import elastalert, ruletypes, util
from elastalert.util import dt_to_ts, ts_to_dt

NOW = {"at": None}


def now():
    return NOW["at"]


for module in (elastalert, ruletypes, util):
    module.ts_now = now


class Replay(elastalert.ElastAlerter):
    def __init__(self, args):
        self.matches = defaultdict(list)
        self.errors = []
        super().__init__(args)

    def get_starttime(self, rule):
        return None

    def writeback(self, doc_type, body, rule=None, match_body=None):
        if doc_type == "elastalert_error":
            self.errors.append(str(body.get("message")))
        return None

    def find_recent_pending_alerts(self, time_limit):
        return []

    def find_pending_aggregate_alert(self, rule, aggregation_key_value=None):
        return None

    def run_rule(self, rule, endtime, starttime=None):
        self.end = endtime
        return super().run_rule(rule, endtime, starttime)

    def get_query_key_value(self, rule, match):
        value = super().get_query_key_value(rule, match)
        self.matches[rule["name"]].append([dt_to_ts(self.end), value])
        return value

    def send_alert(self, matches, rule, alert_time=None, retried=False):
        pass


def main(config, start, end):
    start, end = ts_to_dt(start), ts_to_dt(end)
    NOW["at"] = start
    logging.disable(logging.CRITICAL)
    replay = Replay(["--config", config, "--debug", "--start", dt_to_ts(start)])
    rules = list(replay.rules)
    for rule in rules:
        rule["initial_starttime"] = None
    minute = datetime.timedelta(minutes=1)
    while NOW["at"] <= end:
        replay.handle_pending_alerts()
        minutes = int(NOW["at"].timestamp()) // 60
        for rule in rules:
            if minutes % (int(rule["run_every"].total_seconds()) // 60) == 0:
                replay.handle_rule_execution(rule)
        NOW["at"] += minute
    json.dump({"matches": replay.matches, "errors": replay.errors}, sys.stdout)


main(*sys.argv[1:])
