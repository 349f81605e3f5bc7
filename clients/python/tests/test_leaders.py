"""Leaders as arguments: what they stand for, and what is refused before anything is looked up."""
from __future__ import annotations

import copy
from typing import Any

import pytest

import psycopg_ratls
from psycopg_ratls import AsyncConnectionPool, ConnectionPool, connect, connect_via_manifest, resolve_leader
from psycopg_ratls._attested import Way
from psycopg_ratls._manifest import leader_of
from psycopg_ratls._parameters import resolve
from ra_tls_verify import Leader, NoopVerifier, UsageError

SIGNER = "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a"
#: Nobody answers there.
NOBODY = ["127.0.0.1:1"]


def way(dsn: str, **parameters: Any) -> Way:
    return Way.to(dsn, parameters, verifier=NoopVerifier(), options=None, allow_simulator=False, start_tls=False,
                  leader=Leader("cluster.example", SIGNER))


@pytest.mark.parametrize("dsn", [
    "user=app dbname=orders", "postgresql://app@/orders", "postgresql://app@db.example:5433/orders", "user=app host=a,b port=1,2",
    "user=app host=/run/postgresql", "user=app hostaddr=127.0.0.1,127.0.0.2"])
def test_a_host_in_the_connection_string_stands_for_none(dsn: str) -> None:
    made = way(dsn)
    assert (made.arguments["host"], made.arguments["server_name"], made.arguments["port"]) == (None, None, 0)
    assert made.target.given["user"] == "app"


def test_the_environment_and_the_service_file_name_no_server_either(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "pg_service.conf").write_text("[orders]\nhost=service.example\nport=6002\nuser=clerk\nhostaddr=127.0.0.9\n")
    for name, value in (("PGHOST", "/tmp"), ("PGHOSTADDR", "127.0.0.1"), ("PGPORT", "7")):
        monkeypatch.setenv(name, value)
    made = way("service=orders")
    assert (made.arguments["host"], made.arguments["server_name"], made.arguments["port"]) == (None, None, 0)


def test_the_password_is_looked_up_for_the_domain(tmp_path: Any) -> None:
    file = tmp_path / "pgpass"
    file.write_text("db.example:*:*:*:wrong\ncluster.example:5432:orders:app:right\n")
    file.chmod(0o600)
    assert resolve("postgresql://app@db.example:5433/orders", {}, "cluster.example").password == "right"


def test_what_is_wrong_is_refused_before_anything_is_looked_up() -> None:
    wrong: list[tuple[Any, ...]] = [("cluster example", SIGNER), ("", SIGNER), ("cluster.example", "0x12"), ("cluster.example", b"short"),
                                    ("cluster.example", None), (None, SIGNER)]
    for domain, signer in wrong:
        with pytest.raises(psycopg_ratls.UsageError):
            connect_via_manifest(domain, "user=app", signer, NoopVerifier())
    for argument in ({"dns_servers": "127.0.0.1"}, {"dns_servers": [b"127.0.0.1"]}, {"timeout_ms": 0}, {"refresh_ms": True}, {"now": 0},
                     {"leader_drain_ms": -1}, {"leader_drain_ms": False}, {"state_dir": "/nowhere/at/all"}, {"cluster_address": "0x12"}):
        with pytest.raises(UsageError):
            Leader("cluster.example", SIGNER, **argument)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [connect, lambda dsn, **given: ConnectionPool(dsn, **given)])
def test_what_is_no_leader_is_refused(make: Any) -> None:
    with pytest.raises(psycopg_ratls.UsageError, match="expected a Leader, found str"):
        make("user=app", verifier=NoopVerifier(), leader="cluster.example")


def test_a_name_service_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(psycopg_ratls.UnavailableError) as caught:
        resolve_leader("cluster.example", SIGNER, resolver_ips=NOBODY, timeout=0.3)
    assert caught.value.code in ("LEADER_LOOKUP", "LEADER_TIMEOUT") and "cluster.example" in str(caught.value)


def test_the_signer_may_be_given_as_bytes() -> None:
    assert repr(Leader("cluster.example", bytes.fromhex(SIGNER[2:]))) == repr(Leader("cluster.example", SIGNER))


def test_one_leader_for_equal_arguments() -> None:
    first = leader_of("cluster.example", SIGNER, NOBODY, None, None)
    assert leader_of("cluster.example", SIGNER, tuple(NOBODY), None, None) is first
    assert leader_of("other.example", SIGNER, NOBODY, None, None) is not first
    assert copy.copy(first) is copy.deepcopy({"leader": first})["leader"] is first


def test_an_asynchronous_pool_takes_one() -> None:
    assert AsyncConnectionPool("user=app", verifier=NoopVerifier(), leader=Leader("cluster.example", SIGNER)).closed
