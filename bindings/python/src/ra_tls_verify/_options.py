"""What a verification accepts."""
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from . import _core
from ._codes import VERIFY_OPTIONS
from ._errors import RaTlsError, from_code
from ._inputs import FileLike, read_file

if TYPE_CHECKING:
    from ._core import PolicyHandle

#: In C zero stands for the default, and a verdict cache is switched off by a negative number.
_CACHE_OFF = -1
#: Options where zero cannot be told from "not given" in C, and would make no sense either.
_AT_LEAST_ONE = ("min_tcb_date", "now", "timeout_ms", "max_age_s")
#: Characters of a wrong value that a message shows.
_SHOWN_MAX = 400


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """What is accepted; an option that is not given has its safe default.

    Lists take any sequence of strings. Hexadecimal is accepted with or without 0x, in either case. A list that is given
    and empty is an error, and so is every value that is not exactly right: UsageError, when the options are used.
    """

    __module__ = "ra_tls_verify"

    #: MRTDs that are accepted, 96 hexadecimal digits each; not given: any (the result says `identity_pinned` False).
    allowed_mr_td: Sequence[str] | None = None
    #: Further fields and the values they may have, for example {"rtmr1": ["…"], "fmspc": "00806f050000"}.
    pins: Mapping[str, str | Sequence[str]] | None = None
    #: TCB statuses that are accepted; not given: OK and SWHardeningNeeded. Revoked never is.
    acceptable_tcb_statuses: Sequence[str] | None = None
    #: When given, every advisory of the verdict must be listed.
    allowed_advisory_ids: Sequence[str] | None = None
    #: Lowest TCB evaluation data number of the collateral.
    min_tcb_evaluation_data_number: int | None = None
    #: Lowest value of each byte of TEE_TCB_SVN, 32 hexadecimal digits.
    min_tee_tcb_svn: str | None = None
    #: Accept a TD or enclave in debug mode.
    allow_debug_mode: bool = False
    #: Accept a TD whose SEPT_VE_DISABLE is clear.
    allow_sept_ve: bool = False
    #: Accept a certificate without a quote, only while nothing is pinned.
    allow_simulator: bool = False
    #: Accept application pins without pins of MRTD and RTMR0 to RTMR2.
    allow_partial_pins: bool = False
    #: Oldest date that a TCB level of the verdict may have (aware datetime, or seconds since 1970).
    min_tcb_date: datetime | int | None = None
    #: Accept only what Intel's verifier and dcap-qvl accept as well.
    strict_intersection: bool = False
    #: Accept nothing but zeros after the quote.
    strict_trailing: bool = False
    #: Of SGX quotes accept only version 3.
    sgx_v3_only: bool = False
    #: Accept a TD that may use performance monitoring.
    allow_perfmon: bool = False
    #: Accept a TD with LASS set.
    allow_lass: bool = False
    #: Accept a TD with ICSSD set.
    allow_icssd: bool = False
    #: Accept a TD that may be migrated.
    allow_migratable: bool = False
    #: Accept a TD with a service TD bound to it.
    allow_service_td: bool = False
    #: Verify for this time instead of the clock's (aware datetime, or seconds since 1970); bypasses the verdict cache.
    now: datetime | int | None = None
    #: Seconds that a verdict on a certificate is kept; 0: not at all; not given: 3600.
    cache_ttl_s: int | None = None
    #: Deadline of one verification, in milliseconds; not given: 30000.
    timeout_ms: int | None = None
    #: Oldest acceptable report, in seconds.
    max_age_s: int | None = None

    def __post_init__(self) -> None:
        for name, kind in VERIFY_OPTIONS.items():
            value = getattr(self, name)
            if kind in ("list", "hexlist"):
                object.__setattr__(self, name, _frozen_list(value))
            elif kind == "pins" and isinstance(value, Mapping):
                object.__setattr__(self, name, MappingProxyType({key: _frozen_list(item) for key, item in value.items()}))

    def __hash__(self) -> int:
        return hash(tuple(_hashable(getattr(self, field.name)) for field in fields(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["pins"] = None if self.pins is None else dict(self.pins)
        return (_restore, (values,))

    @classmethod
    def from_json(cls, policy: str | bytes) -> VerifyOptions:
        """The options that a policy file's text holds: a JSON object with the names of these options, `now` as RFC 3339 text or
        seconds, `cache_ttl_s` negative for no cache, 0 elsewhere for the default.

        Raises:
            UsageError: an unknown or repeated name, a wrong type, or no JSON object at all.
        """
        _core.ratls_policy_parse(policy)  # stricter than Python's reader, and the one for all languages
        given = json.loads(policy)
        return cls(**{name: _of_policy(name, VERIFY_OPTIONS[name], value) for name, value in given.items()})

    @classmethod
    def from_file(cls, path: FileLike) -> VerifyOptions:
        """from_json() of a file, such as `ratls inspect --connect HOST:PORT --print-pins` writes."""
        return cls.from_json(read_file(path))

    def to_json(self) -> str:
        """The options as a policy file: a JSON object with what is given. UsageError for a value of a wrong type."""
        given = {name: _policy_value(name, kind, getattr(self, name)) for name, kind in VERIFY_OPTIONS.items()}
        return json.dumps({name: value for name, value in given.items() if value is not None and value is not False})


def _of_policy(name: str, kind: str, value: Any) -> Any:
    """An option as it is given in Python, from its value in a policy file."""
    if kind == "time" and isinstance(value, str):
        try:
            return datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:  # a year that Python has none of
            raise from_code("OPTION_VALUE", option=name, found=value[:_SHOWN_MAX], expected="a time from the year 1 on") from None
    if isinstance(value, float):
        value = int(value)  # the core has seen that it is a whole number
    if name == "cache_ttl_s" and value < 0:
        return 0
    return None if value == 0 and kind in ("time", "number", "milliseconds") else value


def _restore(values: dict[str, Any]) -> VerifyOptions:
    return VerifyOptions(**values)


def policy_of(options: VerifyOptions | None) -> PolicyHandle | None:
    """The core's reading of the options; UsageError when it does not accept them."""
    if options is None:
        return None
    if not isinstance(options, VerifyOptions):
        raise from_code("ARGUMENT_INVALID", argument="options",
                        what=f"expected VerifyOptions, found {type(options).__name__}")
    return _core.ratls_policy_parse(options.to_json())


def _frozen_list(value: Any) -> Any:
    """A list that nobody changes afterwards; a text, or what is no list, stays for the type check."""
    if isinstance(value, (str, bytes)) or value is None or not isinstance(value, (Sequence, set, frozenset)):
        return value
    return tuple(sorted(value, key=str) if isinstance(value, (set, frozenset)) else value)


def _hashable(value: Any) -> Any:
    return tuple(sorted((key, value[key]) for key in value)) if isinstance(value, Mapping) else value


def _wrong_type(option: str, value: Any, expected: str) -> RaTlsError:
    return from_code("OPTION_TYPE", option=option, found=type(value).__name__, expected=expected)


def _text(option: str, value: str) -> str:
    """A text that C can be told: the policy would otherwise seem to be malformed as a whole."""
    clean = value.encode("utf-8", "replace").decode()
    if "\0" in value or clean != value:
        raise from_code("OPTION_VALUE", option=option, found=clean.replace("\0", "?")[:_SHOWN_MAX], expected="Unicode text without a NUL")
    return value


def _text_list(option: str, value: Any) -> list[str]:
    if not isinstance(value, tuple):
        raise _wrong_type(option, value, "a sequence of str")
    for item in value:
        if not isinstance(item, str):
            raise _wrong_type(option, item, "a sequence of str")
        _text(option, item)
    return list(value)


def _pins(option: str, value: Any) -> dict[str, list[str]]:
    if not isinstance(value, Mapping):
        raise _wrong_type(option, value, "a mapping of field names to values")
    for name in value:
        if not isinstance(name, str):
            raise _wrong_type(option, name, "a mapping of field names to values")
        _text(option, name)
    return {name: _text_list(option, (item,) if isinstance(item, str) else item) for name, item in value.items()}


def _number(option: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(option, value, "int")
    if option in _AT_LEAST_ONE and value < 1:
        raise from_code("OPTION_VALUE", option=option, found=str(value), expected="at least 1")
    return value


def _time(option: str, value: Any) -> int:
    if not isinstance(value, datetime):
        return _number(option, value)
    if value.tzinfo is None:
        raise from_code("OPTION_VALUE", option=option, found=value.isoformat(), expected="a datetime with a time zone")
    return _number(option, int(value.astimezone(timezone.utc).timestamp()))


def _policy_value(option: str, kind: str, value: Any) -> Any:
    """An option's value for the policy file; None for one that is not given."""
    if value is None:
        return None
    if kind in ("list", "hexlist"):
        return _text_list(option, value)
    if kind == "pins":
        return _pins(option, value)
    if kind == "time":
        return _time(option, value)
    if kind == "flag":
        if not isinstance(value, bool):
            raise _wrong_type(option, value, "bool")
        return value
    if kind in ("number", "milliseconds"):
        number = _number(option, value)
        return _CACHE_OFF if option == "cache_ttl_s" and number == 0 else number
    if not isinstance(value, str):
        raise _wrong_type(option, value, "str")
    return _text(option, value)
