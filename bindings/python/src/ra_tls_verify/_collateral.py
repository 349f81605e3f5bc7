"""Where collateral comes from and is kept, and whose is meant, as the core wants to be told."""
from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ._errors import from_code
from ._inputs import BytesLike, FileLike, as_bytes, certificate_der, file_bytes

SOURCES_MAX = 8


def cache_directory(given: FileLike | None) -> str | None:
    """The directory as it is given, or below that of the user's caches; None: nowhere. The core reads no environment."""
    if given is not None:
        path = os.fspath(given)
        if not isinstance(path, str):
            raise from_code("OPTION_TYPE", option="cache_dir", found=type(path).__name__, expected="str")
        return os.path.abspath(path) if path else ""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # as the XDG specification has it, also where it is empty
        home = os.environ.get("HOME", "")
        base = os.path.join(home, ".cache") if os.path.isabs(home) else ""
    return os.path.join(base, "ratls") if base else None


def authorities(given: Sequence[FileLike | BytesLike | None] | None) -> list[str] | None:
    """Certificates for each source, as text; "" where there are none of its own."""
    if given is None:
        return None
    if isinstance(given, (str, bytes)) or not isinstance(given, Sequence) or len(given) > SOURCES_MAX:
        raise from_code("OPTION_TYPE", option="pccs_ca_files", found=type(given).__name__, expected=f"a sequence of at most {SOURCES_MAX} files")
    return [(file_bytes(item, "pccs_ca_files") or b"").decode("utf-8", "replace") for item in given]


def is_early(update: str) -> bool:
    if update not in ("standard", "early"):
        raise from_code("OPTION_VALUE", option="update", found=str(update), expected="standard or early")
    return update == "early"


def kind(fmspc: str | None, ca: str | None, tee: str) -> dict[str, Any]:
    """What stands beside an FMSPC."""
    if tee not in ("tdx", "sgx"):
        raise from_code("OPTION_VALUE", option="tee", found=str(tee), expected="tdx or sgx")
    if fmspc is not None and not isinstance(fmspc, str):
        raise from_code("ARGUMENT_INVALID", argument="fmspc", what=f"expected str, found {type(fmspc).__name__}")
    return {"fmspc": fmspc, "ca": ca, "sgx": int(tee == "sgx" and fmspc is not None)}


def one_wish(quote: BytesLike | None, certificate: BytesLike | str | None, fmspc: str | None, ca: str | None, tee: str,
             timeout_ms: int | None) -> dict[str, Any]:
    return {
        "quote": None if quote is None else as_bytes(quote, "quote"),
        "certificate": None if certificate is None else certificate_der(certificate), **kind(fmspc, ca, tee), "timeout_ms": timeout_ms,
    }


def wishes(quotes: Iterable[BytesLike], certificates: Iterable[BytesLike | str], fmspcs: Iterable[str], ca: str | None, tee: str,
           timeout_ms: int | None) -> Iterator[dict[str, Any]]:
    """One for each platform, those of quotes first."""
    for argument, given in (("quotes", quotes), ("certificates", certificates), ("fmspcs", fmspcs)):
        if isinstance(given, (str, bytes, bytearray, memoryview)):
            raise from_code("ARGUMENT_INVALID", argument=argument, what="expected several, found one: put it into a list")
    yield from (one_wish(quote, None, None, None, tee, timeout_ms) for quote in quotes)
    yield from (one_wish(None, certificate, None, None, tee, timeout_ms) for certificate in certificates)
    yield from (one_wish(None, None, fmspc, ca, tee, timeout_ms) for fmspc in fmspcs)
