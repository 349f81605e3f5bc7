"""A TeeSQL-like sidecar: TLS with an RA-TLS certificate in front of a real PostgreSQL, and what it saw."""
from __future__ import annotations

import asyncio
import ssl
import tempfile
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Coroutine, Sequence, Union

from simulator.minted import Minted

CHUNK = 65536
JOIN_TIMEOUT_S = 10
#: Where PostgreSQL listens: (host, port), or the path of its Unix socket.
Upstream = Union["tuple[str, int]", Path]


@dataclass(frozen=True)
class Behaviour:
    """How the sidecar treats its connections; the default is well."""

    handshake: str = "normal"  # silent: says nothing; slow: byte by byte; close: part of its first flight; plain: no TLS
    handshake_bytes: int = 0  # close: so many bytes of the flight come first
    interval_s: float = 0.05  # slow: seconds between bytes
    stream: str = "normal"  # close: drops the connection; stall: says nothing more
    stream_bytes: int = 0  # after so many bytes from PostgreSQL
    orderly: bool = False  # close with close_notify


#: Behaviours by the names of the command line.
BEHAVIOURS = {
    "normal": Behaviour(),
    "silent": Behaviour(handshake="silent"),
    "slow": Behaviour(handshake="slow"),
    "close-handshake": Behaviour(handshake="close", handshake_bytes=100),
    "plain": Behaviour(handshake="plain"),
    "close-stream": Behaviour(stream="close", stream_bytes=400),
    "stall-stream": Behaviour(stream="stall", stream_bytes=400),
}


@dataclass
class Connection:
    """What happened on one connection. `application_bytes` counts what came through TLS: nothing may, before a verdict."""

    number: int
    sni: str | None = None
    alpn: str | None = None
    tls_version: str | None = None
    client_certificate: bytes | None = None  # DER
    client_refused: str | None = None  # why the client's evidence was not accepted
    received_bytes: int = 0  # raw, from the client
    handshake_done: bool = False
    application_bytes: int = 0
    first_application_bytes: bytes = b""
    upstream_opened: bool = False
    upstream_bytes: int = 0  # from PostgreSQL
    closed: str | None = None  # why it ended; None while it is open


class NamedTls(ssl.SSLObject):
    """A TLS object that remembers the name the client asked for."""

    requested_name: str | None = None


class Closed(Exception):
    """The connection ends; the text says why."""


class Sidecar:
    """The server, in a thread of its own; use it in `with`.

    `minted` gives certificate chain and key. With `client_ca` (PEM) a client certificate under that CA is
    demanded when `client_certificate` is "required", asked for when it is "optional". `client_check` gets each certificate
    that a client presents (DER) and gives the reason when it is not acceptable: then the connection is closed, after the
    handshake and without an alert, as a server does whose TLS library knows nothing of quotes. Do not cancel a
    psycopg query in the same process: that holds the interpreter, and this thread with it; see `process`."""

    def __init__(self, minted: Minted, upstream: Upstream, *, behaviour: Behaviour = Behaviour(), host: str = "127.0.0.1", port: int = 0,
                 client_ca: str | None = None, client_certificate: str = "none", client_check: Callable[[bytes], str | None] | None = None,
                 minimum_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
                 maximum_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
                 on_closed: Callable[[Connection], None] | None = None) -> None:
        self.upstream = upstream
        self.behaviour = behaviour
        self.host = host
        self.port = port
        self.client_ca = client_ca
        self.client_certificate = client_certificate
        self.client_check = client_check
        self.versions = (minimum_version, maximum_version)
        self.on_closed = on_closed
        self.connections: list[Connection] = []
        self.changed = threading.Condition()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread: threading.Thread | None = None
        self.server: asyncio.AbstractServer | None = None
        self.tasks: set[asyncio.Task[Any]] = set()
        self.present(minted)

    def __enter__(self) -> Sidecar:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def present(self, minted: Minted) -> None:
        """Use this certificate for the connections to come."""
        self.context = make_context(minted, self.versions, self.client_ca, self.client_certificate)

    def start(self) -> None:
        """Listen; afterwards `port` is known. Raises OSError."""
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="sidecar", daemon=True)
        self.thread.start()
        try:
            self.run(self.listen())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Close everything and join the thread. May be called twice."""
        if self.loop is None or self.thread is None:
            return
        self.run(self.close_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(timeout=JOIN_TIMEOUT_S)
        self.loop.close()
        self.loop = None

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        assert self.loop is not None
        done: Future[None] = asyncio.run_coroutine_threadsafe(work, self.loop)
        done.result(timeout=JOIN_TIMEOUT_S)

    def wait_for(self, condition: Callable[[Sequence[Connection]], bool], timeout_s: float = 10) -> Sequence[Connection]:
        """Wait until the connections seen so far satisfy the condition. Raises TimeoutError."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self.connections), timeout_s):
                raise TimeoutError(f"the sidecar has seen only {self.connections}")
            return [replace(connection) for connection in self.connections]

    def wait_closed(self, count: int = 1, timeout_s: float = 10) -> Sequence[Connection]:
        """Wait until so many connections have ended."""
        return self.wait_for(lambda seen: sum(item.closed is not None for item in seen) >= count, timeout_s)

    async def listen(self) -> None:
        self.server = await asyncio.start_server(self.accept, self.host, self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def close_all(self) -> None:
        if self.server is not None:
            self.server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        with self.changed:
            record = Connection(len(self.connections))
            self.connections.append(record)
            self.changed.notify_all()
        session = Session(self, record, reader, writer)
        reason = "the sidecar stopped"
        try:
            await session.run()
        except Closed as closed:
            reason = str(closed)
        except (OSError, ssl.SSLError) as error:
            reason = f"{type(error).__name__}: {error}"
        except asyncio.CancelledError:
            pass
        finally:
            session.drop()
            self.tasks.discard(task)
            self.note(record, closed=reason)
            if self.on_closed is not None:
                self.on_closed(record)

    def note(self, record: Connection, **changes: Any) -> None:
        """Write something down and tell those who wait."""
        with self.changed:
            for name, value in changes.items():
                setattr(record, name, value)
            self.changed.notify_all()


@dataclass
class Session:
    """One connection: TLS by hand, so that every byte that goes out can be held back."""

    sidecar: Sidecar
    record: Connection
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    incoming: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)
    outgoing: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)
    upstream_writer: asyncio.StreamWriter | None = None

    def __post_init__(self) -> None:
        self.behaviour = self.sidecar.behaviour
        self.flight_sent = 0
        self.upstream_ready = asyncio.Event()
        self.tls = self.sidecar.context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    async def run(self) -> None:
        """Serve the connection to its end, which is always an exception."""
        if self.behaviour.handshake == "silent":
            await self.stay_silent()
        if self.behaviour.handshake == "plain":
            await self.receive("the client left")
            self.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await self.writer.drain()
            raise Closed("answered without TLS")
        await self.shake_hands()
        await self.check_client()
        both = [asyncio.ensure_future(self.to_upstream()), asyncio.ensure_future(self.to_client())]
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def stay_silent(self) -> None:
        while True:
            await self.receive("the client gave up")

    async def shake_hands(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.note_hello()
                await self.flush()
                self.incoming.write(await self.receive("the client closed during the handshake"))
            except ssl.SSLError:
                await self.flush()  # the alert
                raise
        self.note_hello()
        self.sidecar.note(
            self.record, handshake_done=True, alpn=self.tls.selected_alpn_protocol(), tls_version=self.tls.version(),
            client_certificate=self.tls.getpeercert(binary_form=True))
        await self.flush()

    async def check_client(self) -> None:
        """Raises Closed when the client's evidence is not acceptable."""
        check, presented = self.sidecar.client_check, self.record.client_certificate
        if check is None or presented is None:
            return
        refused = await asyncio.to_thread(check, presented)
        if refused is not None:
            self.sidecar.note(self.record, client_refused=refused)
            raise Closed(f"the client was refused: {refused}")

    def note_hello(self) -> None:
        assert isinstance(self.tls, NamedTls)
        if self.tls.requested_name is not None:
            self.sidecar.note(self.record, sni=self.tls.requested_name)

    async def receive(self, at_end: str) -> bytes:
        """Raw bytes from the client; raises Closed with the text given when there are no more."""
        data = await self.reader.read(CHUNK)
        if not data:
            raise Closed(at_end)
        self.sidecar.note(self.record, received_bytes=self.record.received_bytes + len(data))
        return data

    async def flush(self) -> None:
        """Send what TLS wants sent, the way the behaviour says."""
        data = self.outgoing.read()
        if not data:
            return
        if self.behaviour.handshake == "close" and not self.record.handshake_done:
            self.writer.write(data[:max(0, self.behaviour.handshake_bytes - self.flight_sent)])
            await self.writer.drain()
            self.flight_sent += len(data)
            if self.flight_sent >= self.behaviour.handshake_bytes:
                raise Closed("closed during the handshake")
        elif self.behaviour.handshake == "slow" and not self.record.handshake_done:
            for octet in data:
                self.writer.write(bytes([octet]))
                await self.writer.drain()
                await asyncio.sleep(self.behaviour.interval_s)
        else:
            self.writer.write(data)
            await self.writer.drain()

    async def read_plain(self) -> bytes:
        """Plain bytes from the client."""
        while True:
            try:
                data = self.tls.read(CHUNK)
            except ssl.SSLWantReadError:
                await self.flush()
                self.incoming.write(await self.receive("the client closed without close_notify"))
                continue
            except ssl.SSLZeroReturnError:
                data = b""
            if not data:
                raise Closed("the client closed")
            return data

    async def to_upstream(self) -> None:
        while True:
            data = await self.read_plain()
            self.sidecar.note(
                self.record, application_bytes=self.record.application_bytes + len(data),
                first_application_bytes=(self.record.first_application_bytes + data)[:64])
            if self.upstream_writer is None:
                self.upstream_reader, self.upstream_writer = await open_upstream(self.sidecar.upstream)
                self.sidecar.note(self.record, upstream_opened=True)
                self.upstream_ready.set()
            self.upstream_writer.write(data)
            await self.upstream_writer.drain()

    async def to_client(self) -> None:
        await self.upstream_ready.wait()
        while data := await self.upstream_reader.read(CHUNK):
            await self.forward(data)
        await self.say_goodbye()
        raise Closed("PostgreSQL closed")

    async def forward(self, data: bytes) -> None:
        before = self.record.upstream_bytes
        self.sidecar.note(self.record, upstream_bytes=before + len(data))
        left = self.behaviour.stream_bytes - before
        if self.behaviour.stream == "normal" or len(data) < left:
            self.tls.write(data)
            await self.flush()
            return
        if left > 0:
            self.tls.write(data[:left])
            await self.flush()
        if self.behaviour.stream == "stall":
            await asyncio.Event().wait()
        if self.behaviour.orderly:
            await self.say_goodbye()
        raise Closed("closed in mid-stream")

    async def say_goodbye(self) -> None:
        """Send close_notify; the client's own is not waited for."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        await self.flush()

    def drop(self) -> None:
        """Close both sides."""
        if self.upstream_writer is not None:
            self.upstream_writer.close()
        self.writer.close()


def remember_name(tls: Any, name: str | None, _: ssl.SSLContext) -> None:
    tls.requested_name = name


async def open_upstream(upstream: Upstream) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(upstream, Path):
        return await asyncio.open_unix_connection(str(upstream))
    return await asyncio.open_connection(*upstream)


def make_context(minted: Minted, versions: tuple[ssl.TLSVersion, ssl.TLSVersion], client_ca: str | None,
                 client_certificate: str) -> ssl.SSLContext:
    """A server context with the chain and key of `minted`. Raises ValueError, ssl.SSLError."""
    demands = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
    if client_certificate not in demands or (client_certificate != "none" and client_ca is None):
        raise ValueError("client_certificate is none, optional or required, and the latter two need client_ca")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = versions
    context.set_alpn_protocols(["postgresql"])
    context.sslobject_class = NamedTls
    context.sni_callback = remember_name
    context.verify_mode = demands[client_certificate]
    if client_ca is not None:
        context.load_verify_locations(cadata=client_ca)
    with tempfile.TemporaryDirectory() as directory:
        chain, key = Path(directory) / "chain.pem", Path(directory) / "key.pem"
        chain.write_text(minted.chain_pem)
        key.write_text(minted.key_pem)
        context.load_cert_chain(chain, key)
    return context
