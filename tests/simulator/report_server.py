"""The sidecar's plain HTTP: `/attestation` and `/health`, as they should be and with faults."""
from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable

from simulator.report import REPORT_FAULTS, PostgresState, make, to_json
from simulator.world import World

#: Manners of the server beside the faults of REPORT_FAULTS.
MANNERS = ("normal", "replayed", "huge", "slow", "redirect", "error", "garbage", *REPORT_FAULTS)
HUGE_BYTES = 8 << 20
SLOW_INTERVAL_S = 0.2


class ReportServer:
    """Listens on 127.0.0.1 in a thread; use it in `with`. Reports are of the time that `clock` gives, the world's unless given.

    `manner` and `state` may be changed at any time; `requests` are the paths that were asked for. "replayed" answers with
    the first report that was made, for ever."""

    def __init__(self, world: World, *, manner: str = "normal", state: PostgresState = PostgresState(), encoding: str = "A",
                 clock: Callable[[], int] | None = None, port: int = 0) -> None:
        self.world = world
        self.manner = manner
        self.state = state
        self.encoding = encoding
        self.clock = clock or (lambda: world.now)
        self.requests: list[str] = []
        self.first: bytes | None = None
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", port), self.handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, name="report-server", daemon=True)

    def __enter__(self) -> ReportServer:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(timeout=10)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/attestation"

    def body(self) -> bytes:
        """The report of now, the way the manner says."""
        if self.manner in REPORT_FAULTS:
            return to_json(REPORT_FAULTS[self.manner](self.world, self.clock(), self.state))
        if self.manner == "garbage":
            return b"<html>not a report</html>"
        if self.manner == "huge":
            return b" " * HUGE_BYTES
        with self.lock:
            report = to_json(make(self.world, self.clock(), self.state, encoding=self.encoding))
            self.first = self.first or report
            return self.first if self.manner == "replayed" else report

    def handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.requests.append(self.path)
                if self.path == "/health":
                    self.answer(200, b"ok", "text/plain")
                elif self.path != "/attestation":
                    self.answer(404, b"no such page", "text/plain")
                elif server.manner == "redirect":
                    self.answer(302, b"", "text/plain", location=f"http://127.0.0.1:{server.port}/elsewhere")
                elif server.manner == "error":
                    self.answer(500, b"no quote", "text/plain")
                else:
                    self.answer(200, server.body(), "application/json")

            def answer(self, status: int, body: bytes, kind: str, **headers: str) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.send(body)
                except OSError:
                    self.close_connection = True  # the client has gone, as it should

            def send(self, body: bytes) -> None:
                if server.manner != "slow":
                    self.wfile.write(body)
                    return
                for octet in body:
                    if server.stopped.wait(SLOW_INTERVAL_S):
                        return
                    self.wfile.write(bytes([octet]))

            def log_message(self, *_: object) -> None:
                """Nothing is printed."""

        return Handler
