"""Django over attested connections, with the small shop of projects/."""
from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.minted import Minted
from simulator.postgres import Cluster
from simulator.sidecar import Sidecar
from simulator.world import World

PROJECT = Path(__file__).resolve().parent / "projects" / "django_shop"


@pytest.fixture(scope="module")
def today() -> World:
    return World("django", now=int(time.time()))


@pytest.fixture(scope="module")
def server(today: World) -> Minted:
    return today.mint()


@pytest.fixture
def front(server: Minted, cluster: Cluster) -> Iterator[Sidecar]:
    with Sidecar(server, cluster.socket_path) as running:
        yield running


@pytest.fixture
def environment(server: Minted, cluster: Cluster, front: Sidecar, tmp_path: Path) -> dict[str, str]:
    server.write(tmp_path)
    return {**os.environ, "SHOP_PORT": str(front.port), "SHOP_PASSWORD": cluster.password, "SHOP_MRTD": server.mr_td,
            "SHOP_COLLATERAL": str(tmp_path / "collateral.json"), "SHOP_TRUST_ANCHOR": str(tmp_path / "root.pem")}


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error::ResourceWarning", "manage.py", *arguments], cwd=PROJECT, env=environment,
                          capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize("pool", ["no", "yes"])
def test_the_shops_own_tests_pass(environment: dict[str, str], front: Sidecar, pool: str) -> None:
    done = manage({**environment, "SHOP_POOL": pool}, "test", "--noinput")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ran 5 tests" in done.stderr
    assert {seen.alpn for seen in front.connections} == {"postgresql"}, "every connection is the tunnel's"


def test_migrating_and_inspecting(environment: dict[str, str]) -> None:
    for command in (["migrate", "--noinput"], ["makemigrations", "--check", "--dry-run"], ["inspectdb", "shop_order"], ["migrate", "shop", "zero"]):
        done = manage(environment, *command)
        assert done.returncode == 0, done.stderr


def test_a_refusal_is_djangos_error_with_the_reason(environment: dict[str, str], front: Sidecar, today: World) -> None:
    front.present(today.mint("debug"))
    script = ("from django.db import connection, utils\n"
              "try:\n    connection.ensure_connection()\n"
              "except utils.OperationalError as error:\n    print(type(error.__cause__).__module__, error.__cause__.code, error)")
    for pool in ("no", "yes"):
        done = manage({**environment, "SHOP_POOL": pool}, "shell", "--no-imports", "-c", script)
        assert done.stdout.startswith("psycopg_ratls DEBUG_MODE TDX TD is in debug mode"), done.stdout + done.stderr
    assert {seen.upstream_opened for seen in front.wait_closed(2)} == {False}


SETTINGS = """
import os, django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
import verifiers
def connection(**given):
    from psycopg_ratls.django.base import DatabaseWrapper
    from django.db import connections
    mine = {**connections.settings["default"], **given}
    return DatabaseWrapper(mine, "other")
settings.configure(DATABASES={"default": {"ENGINE": "psycopg_ratls.django", "NAME": "orders", "HOST": "db.example"}})
django.setup()
def parameters(**options):
    return connection(OPTIONS=options).get_connection_params()
"""


def run(tmp_path: Path, script: str) -> str:
    (tmp_path / "verifiers.py").write_text("from ra_tls_verify import NoopVerifier\nours = NoopVerifier()\n")
    done = subprocess.run([sys.executable, "-c", SETTINGS + script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_options_mean(tmp_path: Path) -> None:
    out = run(tmp_path, """
from ra_tls_verify import VerifyOptions
from psycopg.rows import tuple_row
given = parameters(verifier="verifiers.ours", verify_options={"allow_debug_mode": True}, options="-c x=1", allow_simulator=True, start_tls=True)
assert given["verifier"] is verifiers.ours and given["options"] == VerifyOptions(allow_debug_mode=True), given
assert given["conninfo"] == "options='-c x=1'" and given["row_factory"] is tuple_row
assert (given["allow_simulator"], given["start_tls"], given["dbname"], given["host"]) == (True, True, "orders", "db.example")
assert parameters(options=VerifyOptions(allow_sept_ve=True))["options"] == VerifyOptions(allow_sept_ve=True)
assert parameters(options={"allow_sept_ve": True})["options"] == VerifyOptions(allow_sept_ve=True)
assert "options" not in parameters()
try:
    parameters(options=VerifyOptions(), verify_options=VerifyOptions())
except ImproperlyConfigured as error:
    print(error)
""")
    assert "verify_options is the verification's" in out


def test_pools_and_persistent_connections_exclude_each_other(tmp_path: Path) -> None:
    out = run(tmp_path, """
try:
    connection(OPTIONS={"pool": True}, CONN_MAX_AGE=60).pool
except ImproperlyConfigured as error:
    print(error)
assert connection(OPTIONS={}).pool is None
""")
    assert "CONN_MAX_AGE must be 0" in out


def test_what_max_lifetime_may_be(tmp_path: Path) -> None:
    out = run(tmp_path, """
for seconds in (0, -1, "60", True, float("inf"), float("nan"), None):
    try:
        parameters(max_lifetime=seconds)
    except ImproperlyConfigured as error:
        print(error)
assert "max_lifetime" not in parameters(max_lifetime=60)
for pool, seconds in ((True, 60), ({"max_lifetime": 30}, 30)):
    assert connection(OPTIONS={"pool": pool, "max_lifetime": 60}).pool.max_lifetime == seconds
    from psycopg_ratls.django.base import DatabaseWrapper
    DatabaseWrapper._connection_pools.clear()
""")
    assert out.count("expected seconds above 0") == 7


AGES = """
import time
from django.db import connection
def left(max_age, **options):
    connection.close()
    connection.settings_dict["CONN_MAX_AGE"] = max_age
    connection.settings_dict["OPTIONS"].update(options)
    connection.ensure_connection()
    return connection.close_at - time.monotonic()
assert 3000 < left(None) <= 3600
assert 3000 < left(86400) <= 3600
assert 30 < left(60) <= 60
assert 30 < left(None, max_lifetime=90) <= 90
connection.close_at = time.monotonic()
connection.close_if_unusable_or_obsolete()
assert connection.connection is None
"""


def test_no_connection_outlives_its_verdict_for_long(environment: dict[str, str]) -> None:
    done = manage(environment, "shell", "--no-imports", "-c", AGES)
    assert (done.returncode, done.stderr) == (0, "")


def test_settings_can_be_copied(tmp_path: Path) -> None:
    assert run(tmp_path, """
import copy
settings = {"verifier": verifiers.ours}
print(copy.deepcopy(settings)["verifier"] is verifiers.ours, copy.copy(verifiers.ours) is verifiers.ours)
""") == "True True\n"


def test_dbshell_does_not_go_past_the_attestation(environment: dict[str, str], front: Sidecar) -> None:
    done = manage(environment, "dbshell")
    assert done.returncode == 1 and "ratls proxy" in done.stderr
    assert front.connections == []


FORKED = """
import os
from django.db import connection
def ask():
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        return cursor.fetchone()[0]
def again():
    connection.close()
    return ask()
mine = ask()
child = os.fork()
if child == 0:
    connection.close()
    assert ask() != mine
    connection.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert ask() == mine
"""


@pytest.mark.parametrize("pool", ["no", "yes"])
def test_a_forked_child_connects_by_itself(environment: dict[str, str], pool: str) -> None:
    done = manage({**environment, "SHOP_POOL": pool}, "shell", "--no-imports", "-c", FORKED)
    assert (done.returncode, done.stderr) == (0, "")
