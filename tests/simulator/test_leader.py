"""Leader records are what clients of others make of them, and the name server says what it was told."""
from __future__ import annotations

import json
import socket
import struct
from pathlib import Path

import pytest
from dnslib import DNSRecord

from simulator.manifest import Manifest, Signer, keccak256
from simulator.names import MANNERS, PREFIX, NameServer


def ask(names: NameServer, domain: str, tcp: bool = False) -> DNSRecord:
    question = bytes(DNSRecord.question(PREFIX + domain, "TXT").pack())
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect(("127.0.0.1", names.port))
        client.sendall(struct.pack("!H", len(question)) + question if tcp else question)
        answer = client.recv(65535)
    return DNSRecord.parse(answer[2:] if tcp else answer)


def texts(answer: DNSRecord) -> list[bytes]:
    return [b"".join(record.rdata.data) for record in answer.rr if record.rtype == 16]


def test_keccak() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"testing").hex() == "5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02"
    assert len({keccak256(bytes(length)) for length in range(300)}) == 300


def test_published_records(vectors: Path) -> None:
    """The same digests and addresses as others compute from the same keys."""
    for vector in json.loads((vectors / "dstack/generated/manifest_vectors.json").read_text()):
        assert Signer(int(vector["private_key"], 16)).address == vector["signer_address"]
        body = vector["canonical_body"].encode()
        assert keccak256(b"\x19Ethereum Signed Message:\n" + str(len(body)).encode() + body).hex() == vector["eip191_digest"]


def test_records_are_served() -> None:
    record = Manifest().signed(Signer())
    with NameServer() as names:
        names.publish("db.example", record, "x" * 200)
        assert ask(names, "db.example").header.tc == 1  # too long without EDNS
        assert texts(ask(names, "db.example", tcp=True)) == [record.encode(), b"x" * 200]
        assert ask(names, "other.example").header.rcode == 3
        assert [question.protocol for question in names.questions] == ["udp", "tcp", "udp"]


@pytest.mark.parametrize("manner, rcode", [("nxdomain", 3), ("servfail", 2), ("refused", 5), ("cname", 0)])
def test_manners(manner: str, rcode: int) -> None:
    with NameServer(MANNERS[manner]) as names:
        names.publish("db.example", "short")
        answer = ask(names, "db.example")
        assert answer.header.rcode == rcode and texts(answer) == ([] if rcode else [b"short"])


def test_silence() -> None:
    with NameServer(MANNERS["silent"]) as names, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        client.sendto(bytes(DNSRecord.question(PREFIX + "db.example", "TXT").pack()), ("127.0.0.1", names.port))
        with pytest.raises(TimeoutError):
            client.recv(512)
        names.wait_for(1)
