"""The least that can ask the same: it sends ready-made `_msearch` bodies, five in flight, and reads the answers."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import audit

IN_FLIGHT = 5
WINDOW = re.compile(rb'"gte":(\d{13}),"lt":(\d{13})')


def send(engine, method, path, body):
    """Status, content type and text of the answer, over a connection of its own."""
    connection = HTTPConnection("127.0.0.1", engine.port, timeout=60)
    connection.request(method, path, body, {"content-type": "application/x-ndjson"} if body else {})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, answer.headers["content-type"], text


def ask(engine, bodies):
    """Seconds that the bodies take, with the window that highwater would ask for now."""
    end = (int(time.time()) - 30) * 1000
    moved = [WINDOW.sub(b'"gte":%d,"lt":%d' % (end - 900_000, end), body) for body in bodies]
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        started = time.perf_counter()
        answers = list(pool.map(lambda body: send(engine, "POST", "/_msearch", body), moved))
        took = time.perf_counter() - started
    if any(status != 200 for status, _, _ in answers):
        raise RuntimeError(f"the bare client was refused: {answers[0][2][:500]}")
    return took


def record(engine, look):
    """The bodies that `look` sends, as a server between it and the engine sees them."""
    bodies = []

    class Recorder(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.pass_on(self.rfile.read(int(self.headers["content-length"])))

        def do_GET(self):
            self.pass_on(None)

        def pass_on(self, body):
            if self.path.endswith("/_msearch"):
                bodies.append(body)
            status, kind, text = send(engine, self.command, self.path, body)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    Thread(target=server.serve_forever, daemon=True).start()
    look(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    searches = sum(len(WINDOW.findall(body)) for body in bodies)
    if searches != audit.SERVICES:
        raise RuntimeError(f"{searches} searches were recorded, of {audit.SERVICES}")
    return bodies
