"""The order of things: an engine, the figures, one table. Exits 1 where a target is missed."""

import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import audit
import bare_client
import elastalert
import highwater
from engine import Engine
from process import say

ROUNDS = 2
CHECKS = 9
# Until the engine's compiler has seen the questions.
WARM_UP = 4
SINGLES = 5
# Seconds in which nobody asks, so that what Elasticsearch does by itself can be told from what it is asked.
REST = 60


class Table:
    """Figures as they were measured. A target is an upper bound; a figure without one is there to compare."""

    def __init__(self):
        self.rows = []
        self.missed = []

    def add(self, figure, value, unit, target=None):
        shown = f"{value:.3f}" if value < 0.2 else f"{value:.2f}" if value < 10 else f"{value:.0f}"
        row = [figure, f"{shown} {unit}".strip(), "", ""]
        if target is not None:
            row[2:] = [f"≤ {target} {unit}".strip(), f"{value / target:.2f}"]
            if value > target:
                self.missed.append(figure)
                row[3] += " MISSED"
        self.rows.append(row)

    def show(self):
        rows = [["figure", "measured", "target", "measured / target"], *self.rows]
        widths = [max(len(row[at]) for row in rows) for at in range(4)]
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join(lines)


def release_figures(table, release, settings):
    table.add("binary", (release / "highwater").stat().st_size / 1e6, "MB", 30)
    table.add("`highwater --version`, median of 20", highwater.version_ms(release / "highwater"), "ms", 10)
    ready, idle = highwater.start_and_idle(release / "highwater", settings)
    table.add("shipped rules: from exec to `ready`, median of 5", ready, "ms", 50)
    table.add("shipped rules: resident memory when idle", idle, "MB", 25)


def one_shot(table, release, settings, engine):
    """Both ask the same questions, turn by turn. Reading the rules and starting up count for highwater alone."""
    say(f"one-shot: 1,000 rules, and the same searches from a bare client, {CHECKS} times each, in turn")
    ours, bare = [], []
    for _ in range(WARM_UP + CHECKS):
        bare.append(bare_client.ask_batched(engine))
        ours.append(highwater.check(release / "highwater", settings))
    ours, bare = ours[WARM_UP:], bare[WARM_UP:]
    ratios = [mine / least for mine, least in zip(ours, bare)]
    table.add("one-shot, 1,000 ratio rules: bare client, `_msearch` of 250", statistics.median(bare) * 1e3, "ms")
    table.add("one-shot, 1,000 ratio rules: `highwater check`", statistics.median(ours) * 1e3, "ms")
    table.add("one-shot: `highwater check` by bare client", statistics.median(ratios), "", 1.2)


def one_by_one(table, engine, rest):
    say(f"one search a rule, from a bare client, {SINGLES} rounds")
    alone = [bare_client.ask_one_by_one(engine) for _ in range(1 + SINGLES)][1:]
    table.add("one search a rule: CPU of Elasticsearch a round, median of 5", statistics.median(a for a, _ in alone), "s")
    return statistics.median(cpu - rest * took for cpu, took in alone)


def daemons(table, release, settings, engine, folder):
    say(f"Elasticsearch by itself, {REST} s")
    rest = engine.rest(REST)
    table.add("Elasticsearch by itself, when nobody asks: CPU a minute", rest * 60, "s")
    alone = one_by_one(table, engine, rest)
    ours = highwater.rounds(release / "highwater", settings, engine, ROUNDS)
    table.add("every minute: highwater, own CPU a round", ours.cpu, "s", 0.3)
    table.add("every minute: highwater, resident memory", ours.rss, "MB", 64)
    table.add("every minute: highwater, resident memory at its peak", ours.peak, "MB", 64)
    table.add("every minute: highwater, start lateness p99 (bound of its bucket)", ours.late * 1e3, "ms", 250)
    table.add("every minute: highwater, CPU of Elasticsearch a round", ours.engine_cpu, "s")
    asked = ours.engine_cpu - rest * ours.seconds
    table.add("highwater by one search a rule: CPU of Elasticsearch for the questions", asked / alone, "", 0.125)
    theirs = elastalert.rounds(engine, folder, ROUNDS)
    if theirs is None:
        return
    table.add("every minute: ElastAlert2 2.31, own CPU a round", theirs.cpu, "s")
    table.add("every minute: ElastAlert2 2.31, resident memory", theirs.rss, "MB")
    table.add("every minute: ElastAlert2 2.31, CPU of Elasticsearch a round", theirs.engine_cpu, "s")
    table.add("highwater by ElastAlert2: own CPU", ours.cpu / theirs.cpu, "", 0.025)
    theirs_asked = theirs.engine_cpu - rest * theirs.seconds
    table.add("highwater by ElastAlert2: CPU of Elasticsearch for the questions", asked / theirs_asked, "", 0.05)


def step(table, release):
    said = subprocess.run([release / "examples/step_speed"], check=True, capture_output=True, text=True).stdout
    for kind, took in re.findall(r"(.+): ([\d.]+)", said):
        if kind != "worst":
            table.add(f"`step` over 10,000 entities, when each {kind}", float(took), "ms", 10)


def machine():
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    cores = len(re.findall(r"^processor", Path("/proc/cpuinfo").read_text(), re.M))
    load = Path("/proc/loadavg").read_text().split()[0]
    return f"{cores} × {cpu.group(1) if cpu else platform.machine()}, load {load} before it began"


def main():
    release = Path(sys.argv[1]).resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began, where, table = time.monotonic(), machine(), Table()
    folder = Path(tempfile.mkdtemp(prefix="highwater-bench-"))
    try:
        step(table, release)
        with Engine(folder) as engine:
            audit.load(engine)
            release_figures(table, release, highwater.settings(folder / "shipped", engine.url, highwater.SHIPPED))
            many = highwater.settings(folder / "many", engine.url, audit.highwater_rules(folder / "rules"))
            one_shot(table, release, many, engine)
            daemons(table, release, many, engine, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{where}; {time.strftime('%Y-%m-%d')}; took {time.monotonic() - began:.0f} s\n\n{table.show()}")
    if table.missed:
        sys.exit("missed: " + ", ".join(table.missed))


if __name__ == "__main__":
    main()
