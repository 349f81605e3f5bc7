"""Connection strings: what libpq means by them, what is refused, what the driver is given. Nothing is dialled here."""
from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import Any

import pytest
from psycopg import pq

from psycopg_ratls._parameters import _OVERRIDES, PLACEHOLDER_PASSWORD, _look_up, resolve, through_tunnel
from ra_tls_verify import UsageError


class FakeTunnel:
    directory = "/run/attested"
    port = 5432


def driver_parameters(dsn: str = "", **parameters: Any) -> dict[str, Any]:
    """What the driver is told, once the tunnel stands."""
    return through_tunnel(resolve(dsn, parameters), FakeTunnel(), 10)  # type: ignore[arg-type]


def reason(dsn: str = "", **parameters: Any) -> str:
    with pytest.raises(UsageError) as caught:
        resolve(dsn, parameters)
    assert caught.value.code == "DSN_INVALID"
    return str(caught.value)


@pytest.mark.parametrize("dsn", [
    "postgresql://app:secret@db.example:5433/orders", "postgres://app:secret@db.example:5433/orders",
    "host=db.example port=5433 user=app password=secret dbname=orders",
    "postgresql:///orders?host=db.example&port=5433&user=app&password=secret"])
def test_both_forms(dsn: str) -> None:
    target = resolve(dsn, {})
    assert (target.address, target.server_name, target.port, target.password) == ("db.example", "db.example", 5433, "secret")
    given = driver_parameters(dsn)
    assert (given["user"], given["dbname"], given["password"]) == ("app", "orders", "secret")


def test_keyword_arguments_win() -> None:
    target = resolve("postgresql://app@db.example:5433/orders", {"host": "other.example", "port": 6000, "user": None})
    assert (target.address, target.port) == ("other.example", 6000)


def test_hostaddr_is_where_to_dial_and_host_the_name() -> None:
    target = resolve("host=db.example hostaddr=127.0.0.1", {})
    assert (target.address, target.server_name, target.port) == ("127.0.0.1", "db.example", 5432)
    for dsn in ("hostaddr=::1 port=7", "host=::1", "host=127.0.0.1", "host=127.0.0.1 hostaddr=127.0.0.2"):
        assert resolve(dsn, {}).server_name is None, "an address is no name to ask for"


def test_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("PGHOST", "env.example"), ("PGPORT", "6001"), ("PGPASSWORD", "from env"), ("PGCONNECT_TIMEOUT", "7")):
        monkeypatch.setenv(name, value)
    target = resolve("", {})
    assert (target.address, target.port, target.password, target.timeout) == ("env.example", 6001, "from env", 7)


@pytest.mark.parametrize("how", ["dsn", "keyword", "environment"])
def test_the_service_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    (tmp_path / "pg_service.conf").write_text("[orders]\nhost=service.example\nport=6002\nuser=clerk\nhostaddr=127.0.0.9\n")
    if how == "environment":
        monkeypatch.setenv("PGSERVICE", "orders")
    target = resolve("service=orders" if how == "dsn" else "", {"service": "orders"} if how == "keyword" else {})
    assert (target.address, target.server_name, target.port) == ("127.0.0.9", "service.example", 6002)


def test_the_password_file_is_asked_for_the_real_server(tmp_path: Path) -> None:
    file = tmp_path / "pgpass"
    file.write_text("/run/attested:5432:*:*:wrong\ndb.example:5433:orders:app:right\n*:*:*:*:other\n")
    file.chmod(0o600)
    assert resolve("postgresql://app@db.example:5433/orders", {}).password == "right"
    assert driver_parameters("postgresql://app@db.example:5433/orders")["password"] == "right"
    assert resolve("postgresql://app@db.example:5434/orders", {}).password == "other"


def test_a_placeholder_where_no_password_is_known() -> None:
    assert driver_parameters("host=db.example")["password"] == PLACEHOLDER_PASSWORD


OVERRIDDEN = {
    "hostaddr": ("127.0.0.1", ""), "gssencmode": ("require", "disable"), "channel_binding": ("require", "disable"),
    "requirepeer": ("root", ""), "sslmode": ("verify-full", "disable"), "sslnegotiation": ("direct", "postgres"),
    "sslcertmode": ("require", "disable"), "sslrootcert": ("system", ""), "min_protocol_version": ("3.2", "3.0"),
}


def knows(name: str) -> bool:
    """Whether the libpq in use knows the parameter."""
    return name in {option.keyword.decode() for option in pq.Conninfo.get_defaults()}


def tell(how: str, parameters: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    """Parameters by one of the ways that libpq takes them: the connection string and the keywords to give."""
    if how == "dsn":
        return " ".join(f"{name}={value}" for name, value in parameters.items()), {}
    if how == "url":
        return "postgresql:///?" + "&".join(f"{name}={value}" for name, value in parameters.items()), {}
    if how == "keyword":
        return "", dict(parameters)
    if how == "service":
        (tmp_path / "pg_service.conf").write_text("[orders]\n" + "".join(f"{name}={value}\n" for name, value in parameters.items()))
        return "service=orders", {}
    variables = {option.keyword.decode(): option.envvar for option in pq.Conninfo.get_defaults()}
    for name, value in parameters.items():
        variable = variables[name]
        if variable is None:
            pytest.skip(f"{name} has no environment variable")
        monkeypatch.setenv(variable.decode(), value)
    return "", {}


def meant(parameters: dict[str, Any]) -> dict[str, str]:
    """What libpq makes of the driver's parameters, environment and service file included."""
    return _look_up(parameters)[0]


WAYS = ["dsn", "url", "keyword", "environment", "service"]


@pytest.mark.parametrize("name", [name for name in OVERRIDDEN if knows(name)])
@pytest.mark.parametrize("how", WAYS)
def test_what_would_bypass_or_break_the_socket_is_overridden(
        name: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value, instead = OVERRIDDEN[name]
    dsn, keywords = tell(how, {"host": "db.example", "port": "5433", name: value}, tmp_path, monkeypatch)
    given = driver_parameters(dsn, **keywords)
    assert given[name] == instead
    seen = meant(given)
    assert (seen["host"], seen["port"], seen.get("hostaddr", "")) == ("/run/attested", "5432", "")
    if name != "channel_binding":
        assert seen.get(name, "") == instead


def test_the_whole_list_is_overridden() -> None:
    assert set(OVERRIDDEN) == set(_OVERRIDES)


@pytest.mark.parametrize("how", ["dsn", "url", "keyword", "service"])
def test_the_link_is_the_tunnels(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dsn, keywords = tell(how, {"host": "db.example", "tcp_user_timeout": "2500", "keepalives_idle": "5", "keepalives_interval": "2",
                               "keepalives_count": "4", "keepalives": "1"}, tmp_path, monkeypatch)
    assert resolve(dsn, keywords).link == {
        "tcp_user_timeout": 2.5, "keepalive_idle": 5, "keepalive_interval": 2, "keepalive_count": 4}


@pytest.mark.parametrize(("parameters", "link"), [
    ("", {}), ("keepalives_idle=0 tcp_user_timeout=0", {}), ("keepalives_idle=-3", {}), ("keepalives=0", {"keepalive_idle": -1}),
    ("keepalives=0 keepalives_idle=5", {"keepalive_idle": -1}), ("keepalives_count=' 7 '", {"keepalive_count": 7})])
def test_the_link_by_default(parameters: str, link: dict[str, float]) -> None:
    assert resolve(f"host=db.example {parameters}", {}).link == link


@pytest.mark.parametrize("parameter", [
    "tcp_user_timeout=soon", "tcp_user_timeout=1.5", "keepalives=yes", "keepalives_idle=5_0", "keepalives_idle=32768", "keepalives_count=128",
    "tcp_user_timeout=2147483648", "keepalives_interval=99999999999"])
def test_a_link_that_cannot_be(parameter: str) -> None:
    assert parameter.split("=")[0] in reason(f"host=db.example {parameter}")


@pytest.mark.parametrize("parameter", ["ssl_min_protocol_version=TLSv1.3", "ssl_max_protocol_version=TLSv1.2"])
@pytest.mark.parametrize("how", WAYS)
def test_versions_of_tls_that_could_not_be_kept_are_refused(
        parameter: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, value = parameter.split("=")
    dsn, keywords = tell(how, {"host": "db.example", name: value}, tmp_path, monkeypatch)
    assert name in reason(dsn, **keywords)


@pytest.mark.parametrize("parameter", ["ssl_min_protocol_version=TLSv1", "ssl_min_protocol_version=tlsv1.2", "ssl_max_protocol_version=TLSv1.3"])
def test_versions_of_tls_that_hold_anyway_are_fine(parameter: str) -> None:
    assert resolve(f"host=db.example {parameter}", {}).address == "db.example"


@pytest.mark.parametrize("name", ["sslcert", "sslkey", "sslpassword"])
def test_a_client_certificate_in_vain_is_warned_about(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "psycopg_ratls"):
        resolve(f"host=db.example {name}=hunter2", {})
    assert caplog.messages == [f"{name} has no effect: the attested TLS shows no client certificate of a file"]


@pytest.mark.parametrize("parameters", [
    {"sslmode": "require"}, {"sslmode": "verify-full", "sslrootcert": "system"}, {"channel_binding": "require"},
    {"gssencmode": "require"}, {"sslnegotiation": "direct", "sslmode": "require"}, {"application_name": "till"}])
def test_what_libpq_allows_is_not_refused(parameters: dict[str, str]) -> None:
    assert resolve("host=db.example", {name: value for name, value in parameters.items() if knows(name)}).address == "db.example"


def test_no_tls_asked_for_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "psycopg_ratls"):
        resolve("host=db.example", {})
        assert caplog.messages == []
        resolve("host=db.example sslmode=disable", {})
    assert caplog.messages == ["sslmode=disable has no effect: the connection uses attested TLS all the same"]


@pytest.mark.parametrize(("value", "seconds"), [("10", 10), ("0", 130), ("-1", 130), ("1", 2), (None, 130)])
def test_the_timeout_is_libpqs(value: str | None, seconds: int) -> None:
    assert resolve("host=db.example", {"connect_timeout": value}).timeout == seconds


def test_what_is_left_of_the_timeout_is_the_drivers() -> None:
    target = resolve("host=db.example connect_timeout=30", {})
    for remaining, given in ((12.3, 13), (0.1, 1), (-5.0, 1)):
        assert through_tunnel(target, FakeTunnel(), remaining)["connect_timeout"] == given  # type: ignore[arg-type]


@pytest.mark.parametrize("dsn", [
    "host=a.example,b.example", "postgresql://a.example:1,b.example:2/", "host=a.example port=1,2", "hostaddr=127.0.0.1,127.0.0.2",
    "host=a,b hostaddr=127.0.0.1,127.0.0.2"])
def test_several_servers_are_refused(dsn: str) -> None:
    assert "name" in reason(dsn) or "match" in reason(dsn)


def test_a_local_socket_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "local socket" in reason("host=/var/run/postgresql")
    assert "local socket" in reason("postgresql://%2Frun/orders")
    assert "local socket" in reason("host=@abstract")
    monkeypatch.setenv("PGHOST", "/tmp")
    assert "local socket" in reason("dbname=orders")


def test_no_host_is_refused() -> None:
    assert "names no host" in reason("dbname=orders")
    assert "names no host" in reason("")


@pytest.mark.parametrize("dsn", [
    "host", "colour=red", "postgresql://[::1", "host=db.example port=0", "host=db.example port=65536", "host=db.example port=x", "host=db.example port=5_4",
    "host=db.example connect_timeout=soon", "service=nowhere"])
def test_a_malformed_string_is_refused(dsn: str) -> None:
    assert reason(dsn).startswith("connection string cannot be honoured: ")


def test_a_password_never_shows() -> None:
    for dsn in ("host=a,b password=hunter2", "host=/run password=hunter2", "host=db port=x password=hunter2",
                "host=db password=my hunter2", "postgresql://app:hunter2/x@db/", "postgresql://app:hunter2%zz@db/",
                "postgresql://app:a/b?hunter2@db/", "postgresql://app:a@hunter2@db/", "postgresql://app:a@hunter2,@db/"):
        assert "hunter2" not in reason(dsn)
    assert "hunter2" not in repr(resolve("host=db password=hunter2", {}))


@pytest.mark.parametrize("parameters", [
    {"application_name": "a\0b"}, {"host": "db.example\0.evil"}, {"password": "hunter2\0x"}, {"password": "hunter2\udcff"},
    {"password": b"hunter2\xff"}])
def test_text_that_libpq_would_cut_is_refused_without_showing_it(parameters: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        resolve("host=db.example", parameters)  # type: ignore[arg-type]
    assert caught.value.code == "DSN_INVALID" and "hunter2" not in repr(caught.value)


@pytest.mark.parametrize("dsn", ["host=db.example\0 port=1", 5, b"host=db.example", None])
def test_what_is_no_connection_string_is_refused(dsn: str) -> None:
    assert reason(dsn).startswith("connection string cannot be honoured: ")


def test_a_password_that_is_not_utf8_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "hunter2\udcff")
    with pytest.raises(UsageError) as caught:
        resolve("host=db.example", {})
    assert caught.value.code == "DSN_INVALID" and "hunter2" not in repr(caught.value)


def test_asking_libpq_dials_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        resolve("host=127.0.0.1", {"port": server.getsockname()[1]})
        with pytest.raises(BlockingIOError):
            server.accept()
