"""What a connection string means, and what becomes of it on the way through a tunnel."""
from __future__ import annotations

import logging
import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

import psycopg
from psycopg import pq
from psycopg.abc import ConnParam
from psycopg.conninfo import conninfo_to_dict, timeout_from_conninfo

from ra_tls_verify._errors import from_code
from ra_tls_verify.tunnel import Tunnel

logger = logging.getLogger("psycopg_ratls")

#: No value of channel_binding: libpq gives up on it, after it has looked everything up and before it dials.
_GIVE_UP = "resolve-only-psycopg-ratls"
#: Sent to a server that asks for a password where none is known: the terminator in front of it knows the real one.
PLACEHOLDER_PASSWORD = "attested"
#: Parameters that would bypass the local socket or break on it, wherever they come from. TLS is the tunnel's.
_OVERRIDES = {
    "hostaddr": "",
    "gssencmode": "disable",
    "channel_binding": "disable",
    "requirepeer": "",
    "sslmode": "disable",
    "sslnegotiation": "postgres",
    "sslcertmode": "disable",
    "sslrootcert": "",
    "min_protocol_version": "3.0",
}
#: Parameters of the TCP connection to the server, which is the tunnel's: Tunnel.open()'s name, the kernel's largest value, and
#: what one second is.
_OF_THE_LINK = {
    "tcp_user_timeout": ("tcp_user_timeout", 2**31 - 1, 1000),
    "keepalives_idle": ("keepalive_idle", 32767, 1),
    "keepalives_interval": ("keepalive_interval", 32767, 1),
    "keepalives_count": ("keepalive_count", 127, 1),
}
#: Parameters that ask for something which nothing here gives. They are common in shared environments, so a word must do.
_IN_VAIN = ("sslcert", "sslkey", "sslpassword")


@dataclass(frozen=True)
class Target:
    """Where a connection string leads, by libpq's rules: defaults, PG* variables, service file, .pgpass."""

    #: The caller's parameters, by name.
    given: dict[str, Any] = field(repr=False)
    #: What to dial: `hostaddr` where given, else `host`. "" when a cluster's leader is.
    address: str
    #: What to ask for (SNI): `host`, unless it is an address.
    server_name: str | None
    port: int
    #: "" when none is known.
    password: str = field(repr=False)
    #: Seconds for attestation and connection together.
    timeout: int
    #: Keepalive and timeout of the TCP connection, by the names of Tunnel.open().
    link: dict[str, int | float]


def resolve(dsn: str, parameters: dict[str, ConnParam], cluster_domain: str | None = None) -> Target:
    """Let libpq say what the parameters mean, without connecting anywhere.

    With the domain of a cluster its leader is the server: a host, address or port that is named stands for none, and the
    password is looked up for the domain.

    Raises:
        ra_tls_verify.UsageError: DSN_INVALID, for what is malformed or cannot be honoured.
    """
    given = _read(dsn, parameters)
    if cluster_domain is not None:
        given.update(host=cluster_domain, hostaddr="", port="")
    try:
        known, password = _look_up(given)
        timeout = timeout_from_conninfo({"connect_timeout": known.get("connect_timeout") or 0})
    except psycopg.Error as error:
        raise from_code("DSN_INVALID", what=str(error).strip()) from None
    host, address = known.get("host", ""), known.get("hostaddr", "")
    if cluster_domain is not None:
        host = address = ""
    else:
        _check_server(host, address, known.get("port", ""))
    _check_tls_versions(known)
    _warn(known)
    return Target(given, address or host, _server_name(host), 0 if cluster_domain is not None else _port(known.get("port", "")), password, timeout, _link(known))


def through_tunnel(target: Target, tunnel: Tunnel, remaining: float) -> dict[str, Any]:
    """The driver's parameters: the caller's, with the tunnel's socket as the server.

    The driver's own timeout has whole seconds, two at least: what is left is bounded more closely by who connects.
    """
    return {**target.given, **_overrides(), "host": tunnel.directory, "port": tunnel.port,
            "password": target.password or PLACEHOLDER_PASSWORD, "connect_timeout": max(1, math.ceil(remaining))}


def _read(dsn: str, parameters: dict[str, ConnParam]) -> dict[str, Any]:
    """The caller's parameters by name. The string is parsed once, here; what the names stand for is not looked at."""
    _check_text(dsn, parameters)
    named = {name: value for name, value in parameters.items() if value is not None}
    for name in named.keys() - _known_parameters():
        raise from_code("DSN_INVALID", what=f'invalid connection option "{name}"')
    try:
        return {**(conninfo_to_dict(dsn) if dsn else {}), **named}
    except psycopg.Error as error:
        raise from_code("DSN_INVALID", what=_without_quotations(str(error).strip())) from None


def _check_text(dsn: str, parameters: dict[str, ConnParam]) -> None:
    """libpq would read only what stands before a NUL, and drop every parameter after it; text that is not Unicode it cannot
    be told at all. The text itself is not shown: it may be the password's."""
    if not isinstance(dsn, str):
        raise from_code("DSN_INVALID", what=f"expected str, found {type(dsn).__name__}")
    for name, value in {"the connection string": dsn, **parameters}.items():
        text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)
        if "\0" in text or text != text.encode("utf-8", "replace").decode():
            raise from_code("DSN_INVALID", what=f"{name} has a NUL or is not Unicode")


def _without_quotations(message: str) -> str:
    """libpq's complaint about a malformed string, without the piece that it quotes: that may be of a password."""
    if message.startswith(("invalid connection option", "invalid URI query parameter")):
        return message  # names only
    return re.sub(r'"[^"]*"', '"…"', message)


@lru_cache
def _known_parameters() -> frozenset[str]:
    """Names that the libpq in use knows."""
    return frozenset(option.keyword.decode() for option in pq.Conninfo.get_defaults())


@lru_cache
def _overrides() -> dict[str, str]:
    """Those of _OVERRIDES that the libpq in use knows."""
    return {name: value for name, value in _OVERRIDES.items() if name in _known_parameters()}


def _look_up(given: dict[str, Any]) -> tuple[dict[str, str], str]:
    """Every parameter as libpq sees it, and the password, also from .pgpass."""
    connection = pq.PGconn.connect_start(_in_one_string({**given, "channel_binding": _GIVE_UP}).encode())
    try:
        if connection.status != pq.ConnStatus.BAD:
            raise psycopg.OperationalError("this libpq cannot say what a connection string means without connecting")
        if _GIVE_UP.encode() not in connection.error_message:
            raise psycopg.OperationalError(connection.error_message.decode("utf-8", "replace"))
        known = {option.keyword.decode(): option.val for option in connection.info if option.val is not None}
        return {name: _decoded(name, value) for name, value in known.items()}, _decoded("password", connection.password)
    finally:
        connection.finish()


def _in_one_string(parameters: dict[str, Any]) -> str:
    """A connection string of these parameters. The names are known ones."""
    escaped = ((name, str(value).replace("\\", "\\\\").replace("'", "\\'")) for name, value in parameters.items())
    return " ".join(f"{name}='{value}'" for name, value in escaped)


def _decoded(name: str, value: bytes) -> str:
    text = value.decode("utf-8", "replace")
    if text.encode() != value:
        # Python's own error would carry the value along, and that may be the password.
        raise from_code("DSN_INVALID", what=f"{name}, from the environment or a file, is not UTF-8")
    return text


def _check_server(host: str, address: str, port: str) -> None:
    """One server, and not a local one."""
    _check_at_sign(host)
    _check_single(host, address, port)
    _check_host(host, address)


def _check_single(host: str, address: str, port: str) -> None:
    if "," in host + address + port:
        raise from_code("DSN_INVALID", what=f"it names several servers ({address or host}, port {port}); which one was attested "
                        "must not be left to chance: name one")


def _check_at_sign(host: str) -> None:
    """A password with an @ that is not escaped ends up as the beginning of the host: neither shown nor looked up."""
    if "@" in host[1:]:
        raise from_code("DSN_INVALID", what="the host has an @: in a URL, write the one of a password as %40")


def _check_host(host: str, address: str) -> None:
    if address:
        return
    if not host:
        raise from_code("DSN_INVALID", what="it names no host: an attested connection needs one")
    if host.startswith(("/", "@")):
        raise from_code("DSN_INVALID", what=f"host {host} is a local socket: an attested connection goes to a TLS server, "
                        "named by host and port")


def _check_tls_versions(known: dict[str, str]) -> None:
    """TLS here is 1.2 or later, whatever the caller says: less is no loss, but more, or a limit, could not be kept."""
    lowest, highest = known.get("ssl_min_protocol_version") or "TLSv1.2", known.get("ssl_max_protocol_version") or "TLSv1.3"
    if lowest.lower() not in ("tlsv1", "tlsv1.1", "tlsv1.2"):
        raise from_code("DSN_INVALID", what="ssl_min_protocol_version is above TLSv1.2, which the attested TLS may use")
    if highest.lower() != "tlsv1.3":
        raise from_code("DSN_INVALID", what="ssl_max_protocol_version is below TLSv1.3, which the attested TLS uses where it can")


def _warn(known: dict[str, str]) -> None:
    if known.get("sslmode") == "disable":
        logger.warning("sslmode=disable has no effect: the connection uses attested TLS all the same")
    for name in _IN_VAIN:
        if known.get(name):
            logger.warning("%s has no effect: the attested TLS shows no client certificate of a file", name)


def _link(known: dict[str, str]) -> dict[str, int | float]:
    """What the caller says of the TCP connection. As with libpq, what is not above zero means the default, here the tunnel's."""
    values = {name: _whole(name, known.get(name), largest) for name, (_, largest, _) in _OF_THE_LINK.items()}
    said = {_OF_THE_LINK[name][0]: value / _OF_THE_LINK[name][2] if _OF_THE_LINK[name][2] > 1 else value
            for name, value in values.items() if value > 0}
    if known.get("keepalives") and _whole("keepalives", known["keepalives"], 2**31 - 1) == 0:
        said["keepalive_idle"] = -1
    return said


def _whole(name: str, text: str | None, largest: int) -> int:
    """A whole number as libpq reads it; 0 for none."""
    if not text:
        return 0
    if not re.fullmatch(r"[ \t\n\v\f\r]*[-+]?[0-9]{1,10}[ \t\n\v\f\r]*", text) or int(text) > largest:
        raise from_code("DSN_INVALID", what=f"{name} is not a whole number up to {largest}")
    return int(text)


def _server_name(host: str) -> str | None:
    try:
        ip_address(host)
    except ValueError:
        return host or None
    return None


def _port(text: str) -> int:
    digits = (text or "5432").strip()
    port = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else 0
    if not 1 <= port <= 65535:
        raise from_code("DSN_INVALID", what="port is not a number from 1 to 65535")
    return port
