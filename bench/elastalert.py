"""ElastAlert2 2.31 from PyPI, with the same questions of the same index."""

import glob
import os
import subprocess
import time
from collections import namedtuple
from pathlib import Path
from shutil import which

import audit
from process import Child, cpu_seconds, memory_mb, say

VERSION = "2.31.0"
Rounds = namedtuple("Rounds", "cpu rss engine_cpu seconds")


def cache():
    if os.environ.get("HIGHWATER_CACHE"):
        return Path(os.environ["HIGHWATER_CACHE"])
    if os.geteuid() == 0:
        return Path("/var/cache/highwater")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "highwater"


def python():
    """A Python that ElastAlert2 runs on: 3.12 or later."""
    named = [which(f"python3{minor}") for minor in ("", ".12", ".13", ".14")]
    for candidate in [*filter(None, named), *sorted(glob.glob(str(Path.home() / ".pyenv/versions/*/bin/python3")))]:
        new_enough = [candidate, "-c", "import sys, venv; sys.exit(sys.version_info < (3, 12))"]
        if subprocess.run(new_enough, capture_output=True).returncode == 0:
            return candidate
    return None


def install():
    """The folder of its commands, or nothing where it cannot run here. It appears in one step."""
    home = cache() / f"elastalert2-{VERSION}"
    if (home / "done").exists():
        return home / "bin"
    interpreter = python()
    if interpreter is None:
        say("no Python 3.12 or later: install one (Debian 13: apt-get install python3 python3-venv) to compare with ElastAlert2")
        return None
    say(f"installing ElastAlert2 {VERSION} from PyPI into {home}")
    subprocess.run([interpreter, "-m", "venv", "--clear", home], check=True)
    pip = [home / "bin/pip", "install", "-q", "--disable-pip-version-check", f"elastalert2=={VERSION}"]
    subprocess.run(pip, check=True)
    (home / "done").touch()
    return home / "bin"


def configure(engine, folder):
    folder.mkdir()
    config = folder / "config.yaml"
    config.write_text(
        f"""rules_folder: {audit.elastalert_rules(folder / "rules")}
run_every: {{ minutes: 1 }}
buffer_time: {{ minutes: 15 }}
es_host: 127.0.0.1
es_port: {engine.port}
writeback_index: elastalert
alert_time_limit: {{ days: 1 }}
"""
    )
    return config


def looked(engine):
    """It writes one document for every look at a rule."""
    engine.ask("POST", "/elastalert_status/_refresh")
    return engine.ask("GET", "/elastalert_status/_count")["count"]


def rounds(engine, folder, count):
    commands = install()
    if commands is None:
        return None
    config = configure(engine, folder / "elastalert")
    # this build of Elasticsearch does not answer `GET /`
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "ES_VERSION": "8.19.16"}
    create = [commands / "elastalert-create-index", "--config", config, "--no-auth", "--no-ssl"]
    done = subprocess.run(create, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError(f"elastalert-create-index: {done.stderr[-2000:]}")
    say(f"ElastAlert2 {VERSION}: the same 1,000 questions every minute, {count} rounds")
    log = open(folder / "elastalert.log", "w")
    with Child([commands / "elastalert", "--config", config], env=environment, stdout=log, stderr=log) as child:
        deadline = time.monotonic() + 120
        while looked(engine) < audit.SERVICES:
            if child.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("ElastAlert2 does not look: " + (folder / "elastalert.log").read_text()[-2000:])
            time.sleep(1)
        own, theirs, began = cpu_seconds(child.pid), engine.cpu(), looked(engine)
        time.sleep(60 * count)
        own, theirs = cpu_seconds(child.pid) - own, engine.cpu() - theirs
        judged = (looked(engine) - began) / audit.SERVICES
        say(f"ElastAlert2: {judged:.2f} rounds in {count} minutes")
        return Rounds(own / judged, memory_mb(child.pid), theirs / judged, 60 * count / judged)
