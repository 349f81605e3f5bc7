"""docs/python.md and the README: every snippet runs, and the table of connection parameters is libpq's whole list."""
from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
import shutil
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import pq

import psycopg_ratls
import ra_tls_verify
from psycopg_ratls import _parameters, connect
from psycopg_ratls._parameters import resolve, through_tunnel
from ra_tls_verify import NoopVerifier
from simulator.manifest import Manifest, Signer
from simulator.minted import Minted
from simulator.names import NameServer
from simulator.postgres import Cluster
from simulator.report_server import ReportServer
from simulator.sidecar import Sidecar
from simulator.world import World

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "python.md"
READMES = [ROOT / "clients" / "python" / "README.md", ROOT / "bindings" / "python" / "README.md"]
GUNICORN = Path(__file__).resolve().parent / "projects" / "gunicorn_shop"
MRTD = "91a0563f0c…c3d2"


# ---- the snippets ----

def snippets(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def filled_in(snippet: str, server: Minted) -> str:
    """The snippet with what a reader fills in: the measurement, and the root that a simulator needs in place of Intel's."""
    text = snippet.replace(MRTD, server.mr_td)
    return text.replace('DcapVerifier(collateral="collateral.json")', 'DcapVerifier(collateral="collateral.json", trust_anchor="root.pem")')


@pytest.fixture(scope="module")
def server() -> Minted:
    return World("documentation", now=int(time.time())).mint()


@pytest.fixture
def front(server: Minted, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sidecar]:
    """A server of today, its files where the snippets look for them."""
    server.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    with Sidecar(server, cluster.socket_path) as running:
        yield running


async def ask_our_service(quote: bytes) -> Any:
    """What the snippet on own verifiers asks."""
    return types.SimpleNamespace(genuine=True, status="OK", advisories=[])


def run_all(page: Path, texts: list[str], namespace: dict[str, Any]) -> None:
    async def main() -> None:
        for text in texts:
            code = compile(text, f"snippet of {page.name}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            waiting = eval(code, namespace)
            if inspect.iscoroutine(waiting):
                await waiting

    asyncio.run(main())


@pytest.fixture
def elsewhere(front: Sidecar, server: Minted, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What runs elsewhere in the documentation: a name server, a signer, a sidecar's report."""
    (tmp_path / "app-compose.json").write_bytes(server.guest.app_compose)
    pins = {name: server.field(name) for name in ("rtmr0", "rtmr1", "rtmr2")}
    (tmp_path / "policy.json").write_text(json.dumps({"allowed_mr_td": [server.mr_td], "pins": {**pins, "app_id": server.guest.app_id.hex()},
                                                      "allow_partial_pins": True}))
    signer = Signer()
    with NameServer() as names, ReportServer(World("documentation", now=server.now), clock=lambda: int(time.time())) as reports:
        names.publish("cluster.example", Manifest(url=f"https://127.0.0.1:{front.port}").signed(signer))
        yield {"0x19e7…ff2a": signer.address, "10.0.0.53": names.address, "http://db.example:8080/attestation": reports.url}


def test_the_snippets_run(front: Sidecar, elsewhere: dict[str, str], server: Minted, cluster: Cluster, tmp_path: Path,
                          capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, Any] = {"dsn": cluster.dsn(port=front.port), "ask_our_service": ask_our_service}
    texts = [filled_in(text, server) for text in snippets(PAGE) if not text.startswith("# ")]
    for documented, here in elsewhere.items():
        assert any(documented in text for text in texts)
        texts = [text.replace(documented, here) for text in texts]
    assert len(texts) >= 8
    run_all(PAGE, texts, namespace)
    out = capsys.readouterr().out
    assert out.count("{'answer': 42}") == 4 and f"{server.guest.app_id.hex()} kms" in out and "True\n" in out and out.count("42\n") >= 2 and server.mr_td in out
    assert (tmp_path / "evidence.json").exists()
    verifier = namespace["Ours"]()
    assert verifier.verify_certificate_sync(server.certificate_der).tcb_status == "OK"
    namespace["engine"].dispose()
    assert namespace["is_genuine"](elsewhere["http://db.example:8080/attestation"])


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.parent.parent.name)
def test_the_readmes_snippets_run(page: Path, front: Sidecar, server: Minted, cluster: Cluster) -> None:
    orders = cluster.dsn(port=front.port)
    namespace: dict[str, Any] = {"certificate_der": server.certificate_der}

    with connect(orders, verifier=NoopVerifier(), autocommit=True) as conn:
        conn.execute("create table if not exists orders (id int primary key, total numeric(10, 2))")
    address = "postgresql://app:secret@db.example:5433/orders"
    run_all(page, [filled_in(text, server).replace(address, orders) for text in snippets(page)], namespace)


def named_snippet(name: str) -> str:
    text, = [text for text in snippets(PAGE) if text.startswith(f"# {name}\n")]
    return text.removeprefix(f"# {name}\n")


@pytest.mark.parametrize("name", ["gunicorn.conf.py", "app.py"])
def test_the_gunicorn_recipe_is_what_is_tested(name: str) -> None:
    assert named_snippet(name) == (GUNICORN / name).read_text(encoding="utf-8")


def test_the_django_settings_work(front: Sidecar, server: Minted, cluster: Cluster, tmp_path: Path) -> None:
    shutil.copytree(GUNICORN.parent / "django_shop" / "shop", tmp_path / "shop")
    settings = filled_in(named_snippet("settings.py"), server)
    for documented, here in (("db.example", "127.0.0.1"), ("5433", str(front.port)), ('"orders"', '"postgres"'), ('"app"', '"postgres"'),
                             ('"secret"', repr(cluster.password))):
        assert documented in settings
        settings = settings.replace(documented, here)
    (tmp_path / "settings.py").write_text(settings, encoding="utf-8")
    script = ("import logging, os, django\nlogging.getLogger('ra_tls_verify').setLevel(logging.ERROR)\nos.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\ndjango.setup()\n"
              "from django.db import connection\nfrom psycopg_ratls import attestation\n"
              "with connection.cursor() as cursor:\n    cursor.execute('show search_path')\n    print(cursor.fetchone())\n"
              "print(attestation(connection.connection).mr_td, connection.pool.max_size)\nconnection.close()\nconnection.close_pool()\n")
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == (f"('shop',)\n{server.mr_td} 8\n", "")


# ---- the table of connection parameters ----

def table() -> list[tuple[list[str], str]]:
    """Each row: the parameters that it is about, and what becomes of them."""
    section = PAGE.read_text(encoding="utf-8").split("### What connection parameters mean\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return [(re.findall(r"`(\w+)`", row[0]), row[1]) for row in rows]


def documented(what: str) -> set[str]:
    return {name for names, becomes in table() for name in names if becomes == what}


def known_to_libpq() -> set[str]:
    return {option.keyword.decode() for option in pq.Conninfo.get_defaults()}


def test_the_table_names_every_parameter_of_libpq_once() -> None:
    names = [name for names, _ in table() for name in names]
    assert sorted(set(names)) == sorted(names)
    assert known_to_libpq() - set(names) == set(), "a new parameter of libpq: decide what becomes of it, and say so"
    assert {becomes for _, becomes in table()} == {
        "the tunnel's", "overridden", "found out", "unchanged", "checked", "without effect"}


def test_what_the_table_says_is_what_is_done() -> None:
    assert documented("overridden") == set(_parameters._OVERRIDES)
    assert documented("the tunnel's") == {"host", "port", "connect_timeout", "keepalives", *_parameters._OF_THE_LINK}
    assert documented("without effect") > set(_parameters._IN_VAIN)


class FakeTunnel:
    directory = "/run/attested"
    port = 5432


#: A value that differs from the default, where any text will not do.
VALUES = {"client_encoding": "LATIN1", "target_session_attrs": "read-write", "max_protocol_version": "3.2", "require_auth": "scram-sha-256",
          "replication": "database", "load_balance_hosts": "random", "gssdelegation": "1", "sslcompression": "1", "sslsni": "0"}


@pytest.mark.parametrize("name", sorted((documented("unchanged") | documented("without effect")) - {"service"}))
def test_what_is_unchanged_reaches_the_driver(name: str) -> None:
    if name not in known_to_libpq():
        pytest.skip(f"libpq {pq.version()} has no {name}")
    value = VALUES.get(name, "something")
    target = resolve(f"host=db.example {name}={value}", {})
    given = through_tunnel(target, FakeTunnel(), 10)  # type: ignore[arg-type]
    assert given[name] == value


def test_the_overview_names_what_there_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in (*psycopg_ratls.__all__, *ra_tls_verify.__all__, "ConnectionPool", "AsyncConnectionPool"):
        assert name == "__version__" or name in page, name
