"""Web servers on loopback addresses that can misbehave on the wire."""
from __future__ import annotations

import gzip
import selectors
import socket
import ssl
import struct
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, Callable, Iterator, Mapping, Protocol

from simulator.intel.scenario import Answer

BODY_MAX = 4 << 20
JOIN_TIMEOUT_S = 10
IDLE_TIMEOUT_S = 60
DRIP_INTERVAL_S = 0.25
BOMB_BYTES = 10 << 20
HUGE = 2 << 30
#: A connection that is closed with this is reset.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    tls_version: str | None


class Endpoint(Protocol):
    """What a listener answers with."""

    def connected(self) -> Answer | None:
        """A new connection: None to serve it, or how it is treated instead."""

    def answer(self, request: Request) -> Answer: ...


class Gone(Exception):
    """The connection is no longer ours to use."""


class Web:
    """Listeners, served until `stop`: one thread accepts, one more serves each connection."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.stopping = threading.Event()
        self.open: set[socket.socket] = set()
        self.lock = threading.Lock()
        self.waker, self.wakened = socket.socketpair()
        self.selector.register(self.wakened, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.run, name="web", daemon=True)
        self.thread.start()

    def listen(self, endpoint: Endpoint, context: ssl.SSLContext | None, host: str = "127.0.0.1") -> int:
        """Serve an endpoint, over TLS when there is a context; the port. Raises OSError."""
        listener = socket.create_server((host, 0), backlog=128)
        listener.setblocking(False)
        self.selector.register(listener, selectors.EVENT_READ, (endpoint, context))
        self.waker.send(b"\0")
        return int(listener.getsockname()[1])

    def stop(self) -> None:
        """Close everything. May be called twice."""
        self.stopping.set()
        self.waker.send(b"\0")
        self.thread.join(timeout=JOIN_TIMEOUT_S)
        with self.lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def run(self) -> None:
        while not self.stopping.is_set():
            for key, _ in self.selector.select():
                if key.data is None:
                    self.wakened.recv(64)
                    continue
                assert isinstance(key.fileobj, socket.socket)
                try:
                    connection, _ = key.fileobj.accept()
                except OSError:
                    continue
                threading.Thread(target=self.serve, args=(connection, *key.data), daemon=True).start()
        for key in list(self.selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket) and key.data is not None:
                key.fileobj.close()

    def serve(self, connection: socket.socket, endpoint: Endpoint, context: ssl.SSLContext | None) -> None:
        """One connection to its end."""
        with self.lock:
            self.open.add(connection)
        secure: socket.socket = connection
        try:
            connection.settimeout(IDLE_TIMEOUT_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            instead = endpoint.connected()
            if instead is not None:
                self.mistreat(connection, instead)
                return
            if context is not None:
                secure = context.wrap_socket(connection, server_side=True)
                with self.lock:
                    self.open.discard(connection)
                    self.open.add(secure)
            Exchange(secure, self, endpoint)
        except (OSError, ValueError, Gone):
            pass  # the client left, or was meant to think so
        finally:
            with self.lock:
                self.open.discard(connection)
                self.open.discard(secure)
            secure.close()

    def mistreat(self, connection: socket.socket, answer: Answer) -> None:
        """A connection that never gets as far as TLS."""
        if answer.manner == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        elif answer.manner == "silent":
            self.stopping.wait(IDLE_TIMEOUT_S)
        elif answer.manner == "plain":
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


class Exchange(BaseHTTPRequestHandler):
    """Requests and answers on one connection."""

    protocol_version = "HTTP/1.1"
    server_version = "simulator"
    sys_version = ""

    def __init__(self, connection: socket.socket, web: Web, endpoint: Endpoint) -> None:
        self.web = web
        self.endpoint = endpoint
        super().__init__(connection, ("", 0), None)  # type: ignore[arg-type]  # of the server it uses nothing

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.exchange()

    def do_POST(self) -> None:
        self.exchange()

    def exchange(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_MAX:
            raise Gone
        body = self.rfile.read(length)
        version = self.connection.version() if isinstance(self.connection, ssl.SSLSocket) else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.endpoint.answer(Request(self.command, self.path, headers, body, version))
        MANNERS[answer.manner](self, answer)

    # ---- what manners are made of

    def begin(self, answer: Answer, **more: str) -> None:
        """Status and headers; no length, no end."""
        self.send_response(answer.status)
        for name, value in {**answer.headers, **{name.replace("_", "-"): value for name, value in more.items()}}.items():
            self.send_header(name, value)

    def head(self, answer: Answer, length: int | None, **more: str) -> None:
        """Everything before the body; None: chunked."""
        self.begin(answer, **more)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        elif answer.status != 204:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def drip(self, data: bytes) -> None:
        """Byte after byte, slowly."""
        for octet in data:
            self.wfile.write(bytes([octet]))
            if self.web.stopping.wait(DRIP_INTERVAL_S):
                raise Gone

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        raise Gone


def plain(exchange: Exchange, answer: Answer) -> None:
    exchange.head(answer, len(answer.body))
    exchange.wfile.write(answer.body)


def chunked(exchange: Exchange, answer: Answer) -> None:
    exchange.head(answer, None)
    for start in range(0, len(answer.body), 1000):
        exchange.chunk(answer.body[start:start + 1000])
    exchange.chunk(b"")


def endless(exchange: Exchange, answer: Answer) -> None:
    """Chunks of white space without an end, which JSON would allow."""
    exchange.head(answer, None)
    for _ in forever(exchange):
        exchange.chunk(b" " * 65536)


def close(exchange: Exchange, _: Answer) -> None:
    raise Gone


def reset(exchange: Exchange, _: Answer) -> None:
    exchange.reset()


def reset_body(exchange: Exchange, answer: Answer) -> None:
    exchange.head(answer, len(answer.body))
    exchange.wfile.write(answer.body[:len(answer.body) // 2])
    exchange.reset()


def truncated(exchange: Exchange, answer: Answer) -> None:
    exchange.head(answer, len(answer.body))
    exchange.wfile.write(answer.body[:len(answer.body) // 2])
    raise Gone


def declared_huge(exchange: Exchange, answer: Answer) -> None:
    """Two GiB are announced, and never come."""
    exchange.head(answer, HUGE)
    exchange.wfile.write(answer.body)
    stay(exchange)


def slow_body(exchange: Exchange, answer: Answer) -> None:
    exchange.head(answer, len(answer.body))
    exchange.drip(answer.body)


def slow_headers(exchange: Exchange, answer: Answer) -> None:
    exchange.drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 4096 + b"\r\n\r\n")


def silent(exchange: Exchange, _: Answer) -> None:
    stay(exchange)


def header_bomb(exchange: Exchange, answer: Answer) -> None:
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\n")
    line = b"X-Filler: " + b"x" * 1000 + b"\r\n"
    for _ in range(BOMB_BYTES // len(line)):
        exchange.wfile.write(line)
    exchange.wfile.write(b"Content-Length: %d\r\n\r\n%s" % (len(answer.body), answer.body))


def gzipped(exchange: Exchange, answer: Answer) -> None:
    """An encoding that nobody asked for."""
    body = gzip.compress(answer.body, mtime=0)
    exchange.head(answer, len(body), Content_Encoding="gzip")
    exchange.wfile.write(body)


def not_http(exchange: Exchange, _: Answer) -> None:
    exchange.wfile.write(b"220 mail.example.com ESMTP\r\n")
    raise Gone


def forever(exchange: Exchange) -> Iterator[None]:
    while not exchange.web.stopping.is_set():
        yield


def stay(exchange: Exchange) -> None:
    exchange.web.stopping.wait(IDLE_TIMEOUT_S)
    raise Gone


MANNERS: Mapping[str, Callable[[Exchange, Answer], None]] = {
    "plain": plain, "chunked": chunked, "endless": endless, "close": close, "reset": reset, "reset-body": reset_body, "truncated": truncated,
    "declared-huge": declared_huge, "slow-body": slow_body, "slow-headers": slow_headers, "silent": silent, "header-bomb": header_bomb,
    "gzipped": gzipped, "not-http": not_http,
}
