"""The dstack guest agent: HTTP over a Unix socket, in its present protocol and in that of tappd, its predecessor."""
from __future__ import annotations

import json
import socketserver
import threading
import time
import urllib.parse
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Callable, Mapping, Union

from simulator import certificate, der
from simulator.event_log import Event
from simulator.minted import Minted
from simulator.world import World
from simulator.x509 import Extension, pem

Answer = Mapping[str, Any]
#: Where it listens: the path of a Unix socket, or (host, port) as dstack's own simulator may.
Address = Union[Path, "tuple[str, int]"]
MINTED_MAX = 64


class AgentError(Exception):
    """A call fails: status 400 and {"error": text}, as the agent says it."""


@dataclass(frozen=True)
class Manner:
    """How the agent treats its calls; the default is well."""

    delay_s: float = 0  # before it answers
    status: int | None = None  # instead of 200
    body: bytes | None = None  # instead of what the call gives
    chunked: bool = False  # no Content-Length
    missing: int = 0  # so many bytes of the body never come, and the connection ends
    silent: bool = False  # the connection ends without an answer
    content_encoding: str | None = None
    change: Callable[[dict[str, Any]], Answer] | None = None  # the answer of a call that went well
    certificate: Mapping[str, Any] = field(default_factory=dict)  # fields of x509.Certificate of the leaf
    lifetime_s: float | None = None  # of the leaf, from now on by the system's clock


def without(name: str) -> Callable[[dict[str, Any]], Answer]:
    return lambda answer: {key: value for key, value in answer.items() if key != name}


def with_(**changes: Any) -> Callable[[dict[str, Any]], Answer]:
    return lambda answer: {**answer, **changes}


def issuers_first(answer: dict[str, Any]) -> Answer:
    return {**answer, "certificate_chain": answer["certificate_chain"][::-1]}


#: Manners by name: `normal`, and one thing wrong in each of the others.
MANNERS: Mapping[str, Manner] = {
    "normal": Manner(),
    "chunked": Manner(chunked=True),
    "cert": Manner(change=lambda answer: {"key": answer["key"], "cert": "".join(answer["certificate_chain"])}),
    "more-fields": Manner(change=with_(something="else", certificate_chain_pem=None)),
    "slow": Manner(delay_s=60),
    "error": Manner(status=400, body=b'{"error":"failed to get a quote:\\n the QGS is not there"}'),
    "error-without-words": Manner(status=500, body=b""),
    "error-page": Manner(status=503, body=b"<html>\r\n<h1>Service Unavailable</h1></html>"),
    "error-with-key": Manner(status=500, body=b'{"error":"-----BEGIN PRIVATE KEY-----"}'),
    "moved": Manner(status=302, body=b""),
    "null": Manner(body=b""),
    "garbage": Manner(body=b"\x00\xff garbage"),
    "not-an-object": Manner(body=b"[]"),
    "huge": Manner(body=b'{"key":"' + bytes(3 << 20).replace(b"\0", b"a") + b'"}'),
    "gzip": Manner(content_encoding="gzip"),
    "truncated": Manner(missing=10),
    "silent": Manner(silent=True),
    "expired": Manner(lifetime_s=-1),
    "not-yet": Manner(certificate={"not_before": 4102444800, "not_after": 4133980800}),
    "no-key": Manner(change=without("key")),
    "no-chain": Manner(change=without("certificate_chain")),
    "empty-chain": Manner(change=with_(certificate_chain=[])),
    "bad-chain": Manner(change=with_(certificate_chain=["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])),
    "issuers-first": Manner(change=issuers_first),
    "other-key": Manner(change=lambda answer: {**answer, "key": World("another").mint(label="another").key_pem}),
    "not-a-key": Manner(change=with_(key="-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n")),
}


@dataclass(frozen=True)
class Call:
    """One call that came."""

    method: str
    path: str
    arguments: Answer
    at: float  # time.monotonic()


class GuestAgent:
    """The agent of one guest; use it in `with`.

    Each GetTlsKey gives a new key and a new certificate of `world`, `minted` has them. `arguments` are those of `World.mint`
    for every one of them (a fault by the name `fault`). `legacy` speaks tappd's protocol instead. A further call of the agent
    is an entry of `methods`: its name, and what takes its arguments and gives its answer."""

    def __init__(self, world: World, address: Address, *, legacy: bool = False, manner: Manner = MANNERS["normal"],
                 arguments: Mapping[str, Any] | None = None) -> None:
        self.world = world
        self.address = address
        self.legacy = legacy
        self.manner = manner
        self.arguments = dict(arguments or {})
        self.methods: dict[str, Callable[[Answer], Answer]] = {
            "GetTlsKey": self.get_tls_key, "GetQuote": self.get_quote, "Attest": self.attest, "EmitEvent": self.emit_event, "Info": self.info,
            "Version": lambda _: {"version": "0.5.9", "rev": "simulated"}}
        self.legacy_methods: dict[str, Callable[[Answer], Answer]] = {
            "DeriveKey": self.derive_key, "RawQuote": self.get_quote, "Info": self.info}
        self.emitted: tuple[Event, ...] = ()
        self.minted: list[Minted] = []
        self.calls: list[Call] = []
        self.changed = threading.Condition()
        self.stopping = threading.Event()

    def __enter__(self) -> GuestAgent:
        self.stopping.clear()
        self.server = serve(self)
        if not isinstance(self.address, Path):
            self.address = self.server.server_address
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, name="guest agent", daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        if isinstance(self.address, Path):
            self.address.unlink(missing_ok=True)

    @property
    def endpoint(self) -> str:
        """As DSTACK_SIMULATOR_ENDPOINT has it."""
        return str(self.address) if isinstance(self.address, Path) else "http://{}:{}".format(*self.address)

    def wait_for(self, condition: Callable[[GuestAgent], bool], timeout_s: float = 10) -> None:
        """Wait until a call has made it true. Raises TimeoutError."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self), timeout_s):
                raise TimeoutError(f"the guest agent was only asked {self.calls}")

    def called(self, method: str) -> int:
        """How often a call came."""
        return sum(call.method == method for call in self.calls)

    def find(self, path: str) -> tuple[str, Callable[[Answer], Answer]] | None:
        """The method that a path names in this agent's protocol."""
        name = urllib.parse.urlsplit(path).path
        if self.legacy:
            head, _, name = name.rpartition("/")
            name = name.removeprefix("Tappd.")
            return (name, self.legacy_methods[name]) if head == "/prpc" and name in self.legacy_methods else None
        name = name.removeprefix("/")
        return (name, self.methods[name]) if name in self.methods else None

    def note(self, call: Call) -> None:
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()

    def get_tls_key(self, arguments: Answer) -> Answer:
        """A new key and its certificate. The usages are what was asked for: the agent's own defaults are false."""
        usages = [oid for name, oid in (("usage_server_auth", certificate.SERVER_AUTH), ("usage_client_auth", certificate.CLIENT_AUTH))
                  if arguments.get(name, False)]
        usage = Extension("2.5.29.37", der.sequence(*(der.oid(item) for item in usages))) if usages else None
        changes = {"extensions": {"extended_key_usage": usage}, **self.manner.certificate}
        if self.manner.lifetime_s is not None:
            changes["not_after"] = int(time.time() + self.manner.lifetime_s)
        form = {} if arguments.get("usage_ra_tls", False) else {"form": "none"}
        with self.changed:
            label = f"client {len(self.minted) % MINTED_MAX}"
            minted = self.world.mint(**{"label": label, "certificate": changes, "subject": str(arguments.get("subject", "")), **form,
                                        **self.arguments})
            self.minted.append(minted)
        return {"key": minted.key_pem, "certificate_chain": [pem(item) for item in minted.chain]}

    def derive_key(self, arguments: Answer) -> Answer:
        """tappd's word for it: the same key for the same path, unless random_seed says otherwise."""
        if not arguments.get("random_seed", False):
            raise AgentError("this agent makes random keys only")
        return self.get_tls_key(arguments)

    def quoted(self, arguments: Answer) -> Minted:
        """A quote over report_data, after everything that was measured so far."""
        report_data = bytes.fromhex(str(arguments.get("report_data", "")))
        if len(report_data) > 64:
            raise AgentError("Report data should be less than 64 bytes")
        measured = {**self.arguments, "report_data": report_data.ljust(64, b"\0")}
        if self.emitted:
            measured["guest"] = {**measured.get("guest", {}), "events": (*self.world.guest.events, *self.emitted)}
        return self.world.mint(**measured)

    def get_quote(self, arguments: Answer) -> Answer:
        """A quote, with the event log."""
        answer: Answer = json.loads(self.quoted(arguments).getquote_json)
        return answer

    def attest(self, arguments: Answer) -> Answer:
        """The same as an envelope with the complete log."""
        answer: Answer = json.loads(self.quoted(arguments).attest_json)
        return answer

    def emit_event(self, arguments: Answer) -> Answer:
        """The application extends RTMR3: it comes after whatever the system measured."""
        event = Event(3, str(arguments.get("event", "")), bytes.fromhex(str(arguments.get("payload", ""))))
        with self.changed:
            self.emitted = (*self.emitted, event)
        return {}

    def info(self, _: Answer) -> Answer:
        """What the agent says of its guest."""
        minted = self.quoted({})
        guest = minted.guest
        registers = {"mrtd": minted.mr_td, **{f"rtmr{number}": minted.field(f"rtmr{number}") for number in range(4)}}
        known = {"app_id": guest.app_id.hex(), "instance_id": guest.instance_id.hex(), "compose_hash": guest.compose_hash.hex(),
                 "os_image_hash": guest.os_image_hash.hex(), "device_id": bytes(32).hex()}
        tcb_info = {**registers, "compose_hash": known["compose_hash"], "os_image_hash": known["os_image_hash"], "device_id": known["device_id"],
                    "event_log": json.loads(minted.event_log), "app_compose": guest.app_compose.decode()}
        return {**known, "app_name": "simulated-postgres", "app_cert": "", "key_provider_info": guest.key_provider.decode(),
                "tcb_info": json.dumps(tcb_info), "vm_config": guest.config, "cloud_vendor": "", "cloud_product": ""}


class Handler(BaseHTTPRequestHandler):
    """One request. Set by a subclass: `agent`."""

    protocol_version = "HTTP/1.1"
    agent: GuestAgent

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        found = self.agent.find(self.path)
        manner = self.agent.manner
        if found is None:
            self.respond(404, b"<!DOCTYPE html><title>404 Not Found</title>", Manner())
            return
        arguments = json.loads(raw) if raw else {}
        self.agent.note(Call(found[0], self.path, arguments, time.monotonic()))
        if self.agent.stopping.wait(manner.delay_s) or manner.silent:
            self.close_connection = True
            return
        status, body = self.carry_out(found[1], arguments, manner)
        self.respond(manner.status or status, body if manner.body is None else manner.body, manner)

    def carry_out(self, method: Callable[[Answer], Answer], arguments: Answer, manner: Manner) -> tuple[int, bytes]:
        try:
            answer = method(arguments)
        except AgentError as error:
            return 400, json.dumps({"error": str(error)}).encode()
        return 200, json.dumps(manner.change(dict(answer)) if manner.change else answer).encode()

    def respond(self, status: int, body: bytes, manner: Manner) -> None:
        self.send_response(status)
        if manner.content_encoding:
            self.send_header("Content-Encoding", manner.content_encoding)
        self.send_header("Content-Type", "application/json")
        self.send_header(*(("Transfer-Encoding", "chunked") if manner.chunked else ("Content-Length", str(len(body)))))
        self.end_headers()
        if manner.chunked:
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [body[:1000], body[1000:]] if part) + b"0\r\n\r\n"
        if manner.missing:
            self.close_connection = True
            body = body[:-manner.missing]
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # it has read enough


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False


class TcpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True


def serve(agent: GuestAgent) -> Any:
    """A server for it, bound and listening."""
    handler = type("AgentHandler", (Handler,), {"agent": agent})
    if isinstance(agent.address, Path):
        return UnixServer(str(agent.address), handler)
    return TcpServer(agent.address, handler)


def changed(manner: str, **changes: Any) -> Manner:
    """A manner of that name, with some of its fields changed."""
    return replace(MANNERS[manner], **changes)
