"""What the stand-in does wrong, or does differently."""
from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Callable, Mapping

from simulator.intel.pki import Changes

if TYPE_CHECKING:
    from simulator.intel.service import Service
    from simulator.intel.token import Draft

#: How an answer travels: see web.MANNERS.
PLAIN = "plain"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, and how it travels."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    manner: str = PLAIN


@dataclass(frozen=True)
class Rule:
    """What becomes of requests whose "METHOD /path" begins with `match`; "CONNECT" are connections, before any byte.

    The first rule of the queue that matches and has `times` left counts. Of what is left None the service's own
    answer is taken: a rule may change only how it travels."""

    match: str
    times: int | None = None  # None: always
    after: int = 0  # so many matching requests are let through first
    listener: str | None = None  # api or portal; None: either
    status: int | None = None
    body: bytes | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)  # {stranger} and {plain} in them are URLs of other servers
    manner: str = PLAIN

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Rule:
        """From JSON. Raises ValueError for a member that is not known."""
        unknown = set(values) - {item.name for item in fields(cls)}
        if unknown:
            raise ValueError(f"a rule has no {', '.join(sorted(unknown))}")
        return cls(**values)


@dataclass(frozen=True)
class Scenario:
    """A service's conduct. The default is the sound one."""

    about: str = "everything is as it should be"
    token: Callable[[Draft], None] | None = None  # changes the token before it is signed
    keys: Callable[[list[dict[str, Any]], Service], Any] | None = None  # takes what /certs would list, returns the document
    pki: Changes | Callable[[Service], Changes] = field(default_factory=dict)  # of the token signer's PKI
    crl: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # root, ats: arguments of TokenPki.crl
    rules: tuple[Rule, ...] = ()  # the queue
    api_tls: str = "sound"  # tls.IDENTITIES
    portal_tls: str = "sound"
    clock_s: int = 0  # how far the service's clock is ahead
    api_host: str = "127.0.0.1"  # also localhost, 127.0.0.2
    portal_host: str = "127.0.0.1"
    strangers: bool = False  # two more web servers, of other people: `stranger`, and `plain` without TLS
    mirror: bool = False  # the strangers answer as the portal does


SOUND = Scenario()
