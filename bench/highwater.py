"""highwater as it is released: one-shot, as a daemon, and at rest."""

import json
import re
import statistics
import subprocess
import time
import urllib.request
from collections import namedtuple
from pathlib import Path
from threading import Thread

import audit
from process import Child, cpu_seconds, memory_mb, say

SHIPPED = Path(__file__).resolve().parent.parent / "rules"

Rounds = namedtuple("Rounds", "cpu rss peak late engine_cpu seconds")


def settings(folder, url, rules):
    folder.mkdir()
    file = folder / "highwater.yaml"
    file.write_text(
        f"""clusters: {{ main: {{ urls: ["{url}"], timeout: 30s }} }}
rules: ["{rules}"]
store: {{ sqlite: {{ path: "{folder}/highwater.db" }} }}
sinks: {{ log: {{ stdout: {{}} }} }}
defaults: {{ notify: [log] }}
server: {{ listen: "127.0.0.1:0" }}
"""
    )
    return file


def wall(command, codes=(0,)):
    started = time.perf_counter()
    done = subprocess.run([str(word) for word in command], capture_output=True, close_fds=False)
    took = time.perf_counter() - started
    if done.returncode not in codes:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return took, done.stdout


def version_ms(binary):
    return statistics.median(wall([binary, "--version"])[0] for _ in range(20)) * 1e3


def check(binary, file):
    """One look at all rules, in seconds; its answer has to be the right one."""
    took, said = wall([binary, "--config", file, "check", "--format", "json"], codes=(2,))
    report = json.loads(said)
    rules = [rule for rule in report["rules"] if rule["rule"].startswith("errors-")]
    firing = [rule for rule in rules if any(alert["state"] == "firing" for alert in rule["alerts"])]
    blind = [rule["reason"] for rule in rules if rule["outcome"] != "complete"]
    if blind or len(rules) != audit.SERVICES or len(firing) != audit.FAILING:
        raise RuntimeError(f"{len(rules)} rules, {len(firing)} fire, {len(blind)} saw nothing: {blind[:1]}")
    return took


def daemon(binary, file):
    """A running daemon and its address, once it says that it is ready, and the seconds until then."""
    started = time.perf_counter()
    child = Child(
        [binary, "--config", file, "run"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, close_fds=False
    )
    said = b""
    for line in child.process.stderr:
        said += line
        if b"ready" in line:
            took = time.perf_counter() - started
            # nobody may block on a full pipe
            Thread(target=child.process.stderr.read, daemon=True).start()
            return child, re.search(rb"address=(\S+)", line).group(1).decode(), took
    raise RuntimeError(f"the daemon did not start: {said.decode()[-2000:]}")


def start_and_idle(binary, file):
    """Milliseconds from exec to `ready`, each on a store of its own; then its memory once it has looked."""
    took = []
    for last in (False, False, False, False, True):
        for left in file.parent.glob("highwater.db*"):
            left.unlink()
        child, _, seconds = daemon(binary, file)
        took.append(seconds * 1e3)
        with child:
            if last:
                time.sleep(10)
                return statistics.median(took), memory_mb(child.pid)


def metrics(address):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(f"http://{address}/metrics", timeout=10).read().decode()


def looked(text):
    """Complete looks at the rules of this run."""
    found = re.findall(r'^highwater_evaluations_total\{(.*)\} (\d+)$', text, re.M)
    return sum(int(count) for labels, count in found if 'rule="errors-' in labels and 'outcome="complete"' in labels)


def late(text):
    """The 99th percentile of start lateness: the bound of the bucket that it lies in."""
    buckets = re.findall(r'^highwater_evaluation_lateness_seconds_bucket\{le="([^"]+)"\} (\d+)$', text, re.M)
    enough = 0.99 * int(buckets[-1][1])
    return next(float(bound) for bound, count in buckets if int(count) >= enough)


def rounds(binary, file, engine, count):
    say(f"highwater as a daemon: 1,000 rules every minute, {count} rounds")
    child, address, _ = daemon(binary, file)
    with child:
        # from rest to rest: a minute is looked at within seconds
        resting(address)
        began = looked(metrics(address))
        own, theirs = cpu_seconds(child.pid), engine.cpu()
        # nobody asks for the metrics meanwhile: that would cost it something, too
        time.sleep(60 * count)
        own, theirs = cpu_seconds(child.pid) - own, engine.cpu() - theirs
        text = metrics(address)
        done = (looked(text) - began) / audit.SERVICES
        if done < count / 2:
            raise RuntimeError(f"{done:.2f} rounds in {count} minutes")
        memory = memory_mb(child.pid), memory_mb(child.pid, "VmHWM")
    say(f"highwater: {done:.2f} rounds")
    return Rounds(own / done, *memory, late(text), theirs / done, 60 * count / done)


def resting(address):
    """Waits until every rule was looked at equally often and nothing has come for five seconds."""
    deadline = time.monotonic() + 150
    before = None
    while (now := looked(metrics(address))) != before or now == 0 or now % audit.SERVICES:
        if time.monotonic() > deadline:
            raise RuntimeError(f"highwater does not come to rest: {now} looks")
        before = now
        time.sleep(5)
