"""A DNS server on loopback, over UDP and TCP, that serves TXT records and can do so in every wrong way."""
from __future__ import annotations

import socketserver
import struct
import threading
from dataclasses import dataclass, field
from typing import Any, Callable

from dnslib import CNAME, QTYPE, RCODE, RR, TXT, DNSRecord

from simulator.manifest import strings

PREFIX = "_teesql-leader."
UDP_MAX = 512  # without EDNS
PORT_ATTEMPTS = 20  # a port that is free over UDP may not be over TCP


@dataclass
class Manner:
    """How a server answers; the default is well.

    `rcode`: NXDOMAIN, SERVFAIL, REFUSED…; `truncated`: nothing but a note to come by TCP; `tcp`: False, nobody is there;
    `delay_s`: before each answer; `silent`: never; `mangle`: what is done to the bytes of an answer; `cname`: the
    records are there, under an alias; `string_size`: of the pieces that records are cut into."""

    rcode: str = "NOERROR"
    truncated: bool = False
    tcp: bool = True
    delay_s: float = 0
    silent: bool = False
    mangle: "Callable[[bytes], bytes] | None" = None
    cname: bool = False
    string_size: int = 255


#: Manners by name.
MANNERS: "dict[str, Manner]" = {
    "normal": Manner(),
    "nxdomain": Manner(rcode="NXDOMAIN"),
    "servfail": Manner(rcode="SERVFAIL"),
    "refused": Manner(rcode="REFUSED"),
    "truncated": Manner(truncated=True),
    "truncated-no-tcp": Manner(truncated=True, tcp=False),
    "slow": Manner(delay_s=0.3),
    "silent": Manner(silent=True),
    "cut-short": Manner(mangle=lambda answer: answer[:len(answer) // 2]),
    "garbage": Manner(mangle=lambda answer: answer[:2] + bytes(255 - octet for octet in answer[2:])),
    "other-id": Manner(mangle=lambda answer: bytes([answer[0] ^ 1]) + answer[1:]),
    "cname": Manner(cname=True),
    "split-strings": Manner(string_size=7),
}


@dataclass
class Question:
    """What was asked, and over what: udp or tcp."""

    name: str
    type: str
    protocol: str


class NameServer:
    """Serves TXT records; use it in `with`. Afterwards `port` is known, for UDP and TCP alike.

    `publish(domain, record, …)` replaces the leader records of a cluster; `records` maps whole names to them."""

    def __init__(self, manner: Manner = Manner(), port: int = 0) -> None:
        self.manner = manner
        self.port = port
        self.records: dict[str, list[str]] = {}
        self.questions: list[Question] = []
        self.changed = threading.Condition()
        self.stopping = threading.Event()
        self.servers: list[socketserver.BaseServer] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def publish(self, domain: str, *records: str) -> None:
        """From now on these are the leader records of this cluster."""
        with self.changed:
            self.records[PREFIX + domain] = list(records)

    def __enter__(self) -> NameServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the same port twice. Raises OSError."""
        for attempt in range(PORT_ATTEMPTS):
            tcp = TcpServer(("127.0.0.1", self.port), handler_of(TcpHandler, self))
            try:
                udp = UdpServer(("127.0.0.1", tcp.server_address[1]), handler_of(UdpHandler, self))
            except OSError:
                tcp.server_close()
                if self.port or attempt == PORT_ATTEMPTS - 1:
                    raise
                continue
            self.servers, self.port = [udp, tcp], int(tcp.server_address[1])
            break
        for server in self.servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening. May be called twice."""
        self.stopping.set()
        for server in self.servers:
            server.shutdown()
            server.server_close()
        self.servers = []

    def wait_for(self, count: int, timeout_s: float = 10) -> list[Question]:
        """Wait until so many questions have come. Raises TimeoutError."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.questions) >= count, timeout_s):
                raise TimeoutError(f"the name server was asked {len(self.questions)} times only")
            return list(self.questions)

    def answer(self, data: bytes, protocol: str) -> bytes | None:
        """What is said to a question; None for nothing."""
        request = DNSRecord.parse(data)
        name = str(request.q.qname).rstrip(".").lower()
        with self.changed:
            self.questions.append(Question(name, str(QTYPE[request.q.qtype]), protocol))
            self.changed.notify_all()
            records, manner = self.records.get(name), self.manner
        if manner.delay_s:
            self.stopping.wait(manner.delay_s)
        if manner.silent or (protocol == "tcp" and not manner.tcp):
            return None
        reply = make_reply(request, name, records, manner)
        answer = bytes(reply.pack())
        if protocol == "udp" and (manner.truncated or len(answer) > room_of(request)):
            cut = request.reply()
            cut.header.tc = 1
            answer = bytes(cut.pack())
        return manner.mangle(answer) if manner.mangle else answer


def make_reply(request: DNSRecord, name: str, records: "list[str] | None", manner: Manner) -> DNSRecord:
    reply = request.reply()
    if manner.rcode != "NOERROR" or records is None:
        reply.header.rcode = getattr(RCODE, "NXDOMAIN" if manner.rcode == "NOERROR" else manner.rcode)
        return reply
    owner = f"there.{name}" if manner.cname else name
    if manner.cname:
        reply.add_answer(RR(name, QTYPE.CNAME, rdata=CNAME(owner), ttl=1))
    for record in records:
        reply.add_answer(RR(owner, QTYPE.TXT, rdata=TXT(strings(record, manner.string_size)), ttl=1))
    return reply


def room_of(request: DNSRecord) -> int:
    """Bytes that the client takes over UDP: what its EDNS record says."""
    return max([UDP_MAX, *(int(record.edns_len) for record in request.ar if record.rtype == QTYPE.OPT)])


class UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    block_on_close = False


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


class UdpHandler(socketserver.BaseRequestHandler):
    names: NameServer

    def handle(self) -> None:
        data, sock = self.request
        answer = self.names.answer(data, "udp")
        if answer is not None:
            sock.sendto(answer, self.client_address)


class TcpHandler(socketserver.StreamRequestHandler):
    names: NameServer

    def handle(self) -> None:
        """One question after the other, each behind its length, until the client leaves."""
        while len(head := self.rfile.read(2)) == 2:
            answer = self.names.answer(self.rfile.read(struct.unpack("!H", head)[0]), "tcp")
            if answer is None:
                return
            self.wfile.write(struct.pack("!H", len(answer)) + answer)


def handler_of(kind: Any, names: NameServer) -> Any:
    return type(kind.__name__, (kind,), {"names": names})
