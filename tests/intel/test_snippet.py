"""The documented snippet with `IntelApiVerifier`: a database behind evidence that Intel Trust Authority appraises."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("psycopg_ratls")

import psycopg
from psycopg_ratls import connect
from ra_tls_verify import IntelApiVerifier, RaTlsError, RefusedError, UnavailableError, UsageError, VerifyOptions

from simulator.intel import TrustAuthority
from simulator.intel.scenarios import SCENARIOS
from simulator.intel.web import Web
from simulator.postgres import Cluster
from simulator.sidecar import Sidecar
from simulator.world import World
from snippet import run_snippet, verifier_for


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as running:
        yield running


@pytest.fixture(scope="module")
def running(web: Web) -> Iterator[TrustAuthority]:
    """On the system's clock, as a connection is."""
    with TrustAuthority(web=web) as authority:
        yield authority


@pytest.fixture
def authority(running: TrustAuthority) -> TrustAuthority:
    running.service.play(SCENARIOS["sound"])
    return running


@pytest.fixture
def sidecar(world: World, cluster: Cluster) -> Iterator[Sidecar]:
    with Sidecar(world.mint(), ("127.0.0.1", cluster.port)) as server:
        yield server


def test_snippet_runs(authority: TrustAuthority, cluster: Cluster, sidecar: Sidecar, world: World) -> None:
    answer, result = run_snippet(cluster.dsn(port=sidecar.port), world.mint().mr_td, authority.describe())
    assert (answer, result.verifier, result.tcb_status, result.key_bound, result.mr_td) == (42, "intel", "OK", True, world.mint().mr_td)
    assert result.verified and authority.appraisals == 1 and authority.service.problems == []


@pytest.mark.parametrize(("scenario", "code"), [
    ("N40", "INTEL_TOKEN_BINDING"), ("N19", "INTEL_TOKEN_SIGNATURE"), ("N49-OutOfDate", "TCB_STATUS"), ("N04", "INTEL_TOKEN_FORMAT")])
def test_lie_is_refused_before_the_first_byte(
        authority: TrustAuthority, cluster: Cluster, sidecar: Sidecar, world: World, scenario: str, code: str) -> None:
    authority.service.play(SCENARIOS[scenario])
    with pytest.raises(RefusedError) as caught:
        run_snippet(cluster.dsn(port=sidecar.port), world.mint().mr_td, authority.describe())
    assert caught.value.code == code and isinstance(caught.value, psycopg.OperationalError)
    assert all(item.application_bytes == 0 and not item.upstream_opened for item in sidecar.wait_closed())


def test_other_image_is_refused_although_intel_vouches_for_it(authority: TrustAuthority, cluster: Cluster, world: World) -> None:
    with Sidecar(world.mint("other_mrtd"), ("127.0.0.1", cluster.port)) as server, pytest.raises(RefusedError, match="allowed_mr_td") as caught:
        run_snippet(cluster.dsn(port=server.port), world.mint().mr_td, authority.describe())
    assert caught.value.code == "MRTD_NOT_ALLOWED"


def test_refused_key_is_told_without_the_key(authority: TrustAuthority, cluster: Cluster, sidecar: Sidecar, world: World) -> None:
    service = {**authority.describe(), "api_key": "d3Jvbmcga2V5"}
    with pytest.raises(UnavailableError, match="Intel Trust Authority returned 401") as caught:
        run_snippet(cluster.dsn(port=sidecar.port), world.mint().mr_td, service)
    assert service["api_key"] not in f"{caught.value} {caught.value.details}"


def test_missing_key_says_where_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTEL_TRUST_AUTHORITY_API_KEY", raising=False)
    with pytest.raises(UsageError) as caught:
        IntelApiVerifier()
    assert str(caught.value) == (
        "Intel Trust Authority API key required. Pass api_key or set INTEL_TRUST_AUTHORITY_API_KEY. "
        "Register at https://portal.trustauthority.intel.com")


def test_key_of_the_environment_is_used(authority: TrustAuthority, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    service = authority.describe()
    monkeypatch.setenv("INTEL_TRUST_AUTHORITY_API_KEY", service["api_key"])
    verifier = IntelApiVerifier(base_url=service["api_url"], portal_url=service["portal_url"], ca_file=service["ca_file"])
    assert verifier.verify_sync(world.mint().quote).verifier == "intel"


def test_verdict_is_kept_for_the_next_connection(authority: TrustAuthority, cluster: Cluster, sidecar: Sidecar, world: World) -> None:
    verifier, options = verifier_for(authority.describe()), VerifyOptions(allowed_mr_td=[world.mint().mr_td])
    for _ in range(3):
        with connect(cluster.dsn(port=sidecar.port), verifier=verifier, options=options) as conn:
            conn.execute("select 1")
    assert authority.appraisals == 1


def test_service_that_is_down_is_no_refusal(authority: TrustAuthority, cluster: Cluster, sidecar: Sidecar, world: World) -> None:
    authority.service.play(SCENARIOS["N76-close"])
    with pytest.raises(UnavailableError) as caught, connect(
            cluster.dsn(port=sidecar.port), verifier=verifier_for(authority.describe(), attempts=1), options=VerifyOptions(allowed_mr_td=[world.mint().mr_td])):
        pass
    assert isinstance(caught.value, RaTlsError) and caught.value.code == "INTEL_NETWORK"
