"""The sidecar's attestation report, and where it comes from."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import _calls, _core
from ._errors import from_code
from ._inputs import BytesLike, FileLike, file_bytes
from ._options import VerifyOptions
from ._result import VerifyResult
from ._verifiers import RaTlsVerifier, proxy_of_environment

if TYPE_CHECKING:
    from ._core import CancelHandle

#: What a report may be given as: its URL, its JSON (text or bytes), or the parsed object.
Report = BytesLike | str | Mapping[str, Any]


def fetch_report(url: str, *, ca_file: FileLike | BytesLike | None = None, proxy: str | None = None, no_proxy: str | None = None,
                 timeout_ms: int | None = None) -> bytes:
    """Fetch a sidecar's attestation report. No redirect is followed, and the answer's size is limited.

    Args:
        url: http:// or https://, usually http://HOST:8080/attestation.
        ca_file: authorities for https (a path, or PEM in bytes); not given: the system's.
        proxy, no_proxy: HTTP proxy, and hosts reached without it; not given: http_proxy or https_proxy, and no_proxy, of the
            environment; "": none.
        timeout_ms: not given: 30000.

    Returns:
        The answer as it came, for RaTlsVerifier.verify_report().

    Raises:
        UsageError: it is no such URL. UnavailableError: there is no report to be had.
    """
    return _calls.interruptible(_fetching(url, ca_file, proxy, no_proxy, timeout_ms))


async def fetch_report_async(url: str, *, ca_file: FileLike | BytesLike | None = None, proxy: str | None = None,
                             no_proxy: str | None = None, timeout_ms: int | None = None) -> bytes:
    """fetch_report() as a coroutine; cancelling the task ends it."""
    return await _calls.awaitable(_fetching(url, ca_file, proxy, no_proxy, timeout_ms))


def verify_report(report: Report, verifier: RaTlsVerifier, options: VerifyOptions | None = None, **fetch: Any) -> VerifyResult:
    """Verify a sidecar's attestation report; see RaTlsVerifier.verify_report_sync().

    Args:
        report: its URL, which is fetched first; or its JSON: text, bytes, or the parsed object.
        verifier: who judges.
        options: what is accepted; not given: the defaults.
        fetch: for a URL, the arguments of fetch_report().

    Raises:
        UsageError, RefusedError, UnavailableError
    """
    _check_verifier(verifier)
    if _is_url(report, fetch):
        report = fetch_report(str(report), **{**_time_of(options), **fetch})
    return verifier.verify_report_sync(report, options)


async def verify_report_async(report: Report, verifier: RaTlsVerifier, options: VerifyOptions | None = None, **fetch: Any) -> VerifyResult:
    """verify_report() as a coroutine; cancelling the task ends it."""
    _check_verifier(verifier)
    if _is_url(report, fetch):
        report = await fetch_report_async(str(report), **{**_time_of(options), **fetch})
    return await RaTlsVerifier.verify_report(verifier, report, options)


def _is_url(report: Report, fetch: dict[str, Any]) -> bool:
    url = isinstance(report, str) and not report.lstrip().startswith("{")
    if fetch and not url:
        raise from_code("ARGUMENT_INVALID", argument=next(iter(fetch)), what="it is for a report that is fetched: give its URL")
    return url


def _check_verifier(verifier: RaTlsVerifier) -> None:
    if not isinstance(verifier, RaTlsVerifier):
        raise from_code("ARGUMENT_INVALID", argument="verifier", what=f"expected a RaTlsVerifier, found {type(verifier).__name__}")


def _time_of(options: VerifyOptions | None) -> dict[str, Any]:
    return {} if options is None or options.timeout_ms is None else {"timeout_ms": options.timeout_ms}


def _fetching(url: str, ca_file: FileLike | BytesLike | None, proxy: str | None, no_proxy: str | None,
              timeout_ms: int | None) -> Callable[[CancelHandle | None], bytes]:
    """The call that fetches; wrong arguments are told now."""
    for argument, value in (("url", url), ("proxy", proxy), ("no_proxy", no_proxy)):
        if not isinstance(value, str | None) or (argument == "url" and not value) or "\0" in (value or ""):
            raise from_code("ARGUMENT_INVALID", argument=argument, what="expected text without NUL")
    if timeout_ms is not None and (isinstance(timeout_ms, bool) or not isinstance(timeout_ms, int) or not 0 < timeout_ms < 2**31):
        raise from_code("ARGUMENT_INVALID", argument="timeout_ms", what=f"expected milliseconds above 0, found {timeout_ms!r}")
    if proxy is None:
        proxy, no_proxy = proxy_of_environment(url.partition(":")[0].lower(), no_proxy)
    settings = {"url": url, "ca": file_bytes(ca_file, "ca_file"), "proxy": proxy, "no_proxy": no_proxy, "timeout_ms": timeout_ms}
    return lambda cancel: _core.fetch_report(settings, cancel)
