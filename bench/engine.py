"""One Elasticsearch of its own: started for this run on free ports of loopback, ended and removed with it."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from process import cpu_seconds, say

USER = "highwater-test"
HEAP = "1g"
PATIENCE = 120
# Ends the engine should this run be killed: its standard input closes with us.
WATCHER = 'cat >/dev/null; kill -s KILL -- "-$0" 2>/dev/null; sleep 1; rm -rf "$1"'


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Engine:
    def __init__(self, folder):
        self.folder = folder / "engine"
        self.home = Path(os.environ["HIGHWATER_BENCH_ENGINE"])
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        say("starting an Elasticsearch 8.19.16 of its own")
        self._write()
        log = open(self.folder / "out.log", "w")
        command = [*self._become(), str(self.home / "bin/elasticsearch"), "-p", str(self.folder / "pid")]
        self.process = subprocess.Popen(
            command, env=self._environment(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )
        self.watcher = subprocess.Popen(
            ["sh", "-c", WATCHER, str(self.process.pid), str(self.folder.parent)],
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True,
        )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.watcher.stdin.close()
        self.watcher.wait()

    def cpu(self):
        return cpu_seconds(int((self.folder / "pid").read_text()))

    def rest(self, seconds):
        """CPU seconds that it spends by itself in a second in which nobody asks."""
        before = self.cpu()
        time.sleep(seconds)
        return (self.cpu() - before) / seconds

    def ask(self, method, path, body=None):
        """The answer as JSON; a string goes out as NDJSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        kind = "application/x-ndjson" if isinstance(body, (str, bytes)) else "application/json"
        if body is not None and kind == "application/json":
            body = json.dumps(body)
        connection.request(method, path, body, {"content-type": kind} if body else {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text)

    def _become(self):
        if os.geteuid() != 0:
            return []
        if subprocess.run(["id", USER], capture_output=True).returncode != 0:
            subprocess.run(["useradd", "-m", "-r", USER], check=True)
        subprocess.run(["chown", "-R", f"{USER}:", self.folder], check=True)
        self.folder.parent.chmod(0o755)
        return ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "--"]

    def _environment(self):
        java = os.environ["HIGHWATER_BENCH_JAVA"]
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "ES_JAVA_HOME": java,
            "ES_PATH_CONF": str(self.folder / "config"), "ES_TMPDIR": str(self.folder / "tmp"),
            "ES_JAVA_OPTS": f"-Xms{HEAP} -Xmx{HEAP} -XX:-UsePerfData", "CLI_JAVA_OPTS": "-XX:-UsePerfData",
        }

    def _write(self):
        for name in ("data", "logs", "tmp"):
            (self.folder / name).mkdir(parents=True)
        shutil.copytree(self.home / "config", self.folder / "config")
        options = self.folder / "config/jvm.options"
        kept = [line for line in options.read_text().splitlines() if "incubator" not in line and "Xlog:gc" not in line]
        options.write_text("\n".join(kept) + "\n")
        settings = {
            "cluster.name": "highwater-bench", "node.name": "n1", "network.host": "127.0.0.1",
            "path.data": self.folder / "data", "path.logs": self.folder / "logs",
            "http.port": self.port, "transport.port": free_port(), "discovery.type": "single-node",
            "node.store.allow_mmap": "false", "xpack.security.enabled": "false", "xpack.ml.enabled": "false",
            "xpack.security.autoconfiguration.enabled": "false", "xpack.license.self_generated.type": "basic",
            # a full disk of the machine is not what is measured
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }
        lines = "".join(f"{key}: {value}\n" for key, value in settings.items())
        (self.folder / "config/elasticsearch.yml").write_text(lines)

    def _wait(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                self.ask("GET", "/_cluster/health?wait_for_status=green&timeout=1s")
                return
            except (OSError, RuntimeError, http.client.HTTPException):
                time.sleep(0.2)
        raise SystemExit("Elasticsearch did not start:\n" + (self.folder / "out.log").read_text()[-3000:])
