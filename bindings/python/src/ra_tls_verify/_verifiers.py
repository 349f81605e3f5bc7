"""Who judges a quote."""
from __future__ import annotations

import inspect
import json
import os
import threading
import weakref
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from . import _calls, _core
from ._collateral import authorities, cache_directory, is_early, one_wish, wishes
from ._errors import RaTlsError, RefusedError, from_code
from ._inputs import BytesLike, FileLike, anchor_bytes, as_bytes, certificate_der, collateral_bytes, file_bytes, json_bytes
from ._options import VerifyOptions, policy_of
from ._result import VerifyResult, result_of

if TYPE_CHECKING:
    from ._core import CancelHandle, PolicyHandle, RequestHandle, VerifierHandle

#: What a verifier of the caller's may claim; measurements always come from the quote.
CLAIMS = ("tcb_status", "tcb_status_dcap", "platform_tcb_status", "tdx_module_tcb_status", "qe_tcb_status", "tcb_date",
          "advisory_ids", "fmspc", "ppid", "platform_instance_id", "tcb_evaluation_data_number", "collateral_expires_at")
#: Handles that an own verifier keeps, one for each set of options that it is used with.
_OPTION_SETS_MAX = 16
#: Characters of an exception's text that go into ours.
_REASON_MAX = 1000


class RaTlsVerifier(ABC):
    """Base of every verifier, built in or your own.

    For your own, define `verify`: it gets a quote and the options of the verification, and returns claims, or raises. The
    core then applies the options and the key binding as for every verifier; `verify_certificate` and `verify_sync` do both.
    An instance may be used by several threads and connections at once, and keeps a cache of verdicts.
    """

    __module__ = "ra_tls_verify"

    @abstractmethod
    def verify(self, quote: bytes, options: VerifyOptions) -> Any:
        """Judge a quote: is it genuine, and what is the status of its TCB?

        Returns:
            The TCB part of the claims: a mapping, or an object with attributes, by the result's names (CLAIMS);
            `tcb_status` must be there. A coroutine is allowed; it runs on an event loop of this package.

        Raises:
            RefusedError: the quote is not genuine or not acceptable.
            Exception: any other means that it could not be checked.
        """

    def verify_sync(self, quote: BytesLike, options: VerifyOptions | None = None) -> VerifyResult:
        """Verify a quote that came without a certificate.

        It does not check that the quote belongs to any connection: use verify_certificate_sync, or pin report_data.

        Raises:
            UsageError, RefusedError, UnavailableError
        """
        return self._run(_core.ratls_verify, as_bytes(quote, "quote"), options)

    def verify_certificate_sync(self, certificate: BytesLike | str, options: VerifyOptions | None = None) -> VerifyResult:
        """Verify an RA-TLS leaf certificate (DER or PEM): its quote, and that the quote binds the certificate's key.

        It does not check the host name, the certificate's dates, or that the peer holds the key (TLS proves that).

        Raises:
            UsageError, RefusedError, UnavailableError
        """
        return self._run(_core.ratls_verify_certificate, certificate_der(certificate), options)

    async def verify_certificate(self, certificate: BytesLike | str, options: VerifyOptions | None = None) -> VerifyResult:
        """verify_certificate_sync() as a coroutine; cancelling the task ends the verification."""
        return await self._run_async(_core.ratls_verify_certificate, certificate_der(certificate), options)

    def verify_evidence_sync(self, evidence: BytesLike | str | Mapping[str, Any], options: VerifyOptions | None = None) -> VerifyResult:
        """Verify evidence that came without a certificate: its quote, and that the event log beside it is the one that RTMR3 was
        extended with, so that the result tells which application it is.

        It does not check that the evidence belongs to any connection, or how old it is: pin report_data for that.

        Args:
            evidence: an attestation envelope (V0 or V1) in bytes, or what dstack's GetQuote or Attest answers: JSON text, or
                the parsed object.

        Raises:
            UsageError, RefusedError, UnavailableError
        """
        return self._run(_core.ratls_verify_evidence, json_bytes(evidence, "evidence"), options)

    async def verify_evidence(self, evidence: BytesLike | str | Mapping[str, Any], options: VerifyOptions | None = None) -> VerifyResult:
        """verify_evidence_sync() as a coroutine; cancelling the task ends the verification."""
        return await self._run_async(_core.ratls_verify_evidence, json_bytes(evidence, "evidence"), options)

    def verify_report_sync(self, report: BytesLike | str | Mapping[str, Any], options: VerifyOptions | None = None) -> VerifyResult:
        """Verify a sidecar's attestation report: its quote, that tcb_info repeats it, that REPORTDATA commits to LSN, control
        data and time, and that its time is not older than max_age_s (60 seconds).

        A report is monitoring data: whoever has seen it can send it, and it belongs to no connection (`key_bound` is False).

        Args:
            report: the JSON of /attestation: bytes, text, or the parsed object. fetch_report() gets it.

        Raises:
            UsageError, RefusedError, UnavailableError
        """
        return self._run(_core.ratls_verify_report, json_bytes(report, "report"), options)

    async def verify_report(self, report: BytesLike | str | Mapping[str, Any], options: VerifyOptions | None = None) -> VerifyResult:
        """verify_report_sync() as a coroutine; cancelling the task ends the verification."""
        return await self._run_async(_core.ratls_verify_report, json_bytes(report, "report"), options)

    def warm_sync(self, quotes: Iterable[BytesLike] = (), *, certificates: Iterable[BytesLike | str] = (), fmspcs: Iterable[str] = (),
                  ca: str | None = None, tee: str = "tdx", timeout_ms: int | None = None) -> None:
        """Fetch ahead the collateral that connections will need, so that none of them waits for it. Does nothing for a verifier that
        fetches none.

        Args:
            quotes, certificates: of servers of the platforms that are meant.
            fmspcs: families of platforms, 12 hexadecimal digits each; `ca` ("platform", the default, or "processor") and `tee`
                ("tdx" or "sgx") say of which kind.
            timeout_ms: for each of them; not given: 30000.

        Raises:
            UnavailableError: COLLATERAL_…, or the time was over.
            RefusedError: a quote's certificates are not genuine: nothing is fetched for it.
            UsageError
        """
        handle = self._handle(None)
        for wish in wishes(quotes, certificates, fmspcs, ca, tee, timeout_ms):
            _calls.interruptible(_warming(handle, wish))

    async def warm(self, quotes: Iterable[BytesLike] = (), *, certificates: Iterable[BytesLike | str] = (), fmspcs: Iterable[str] = (),
                   ca: str | None = None, tee: str = "tdx", timeout_ms: int | None = None) -> None:
        """warm_sync() as a coroutine; cancelling the task ends the fetching."""
        handle = self._handle(None)
        for wish in wishes(quotes, certificates, fmspcs, ca, tee, timeout_ms):
            await _calls.awaitable(_warming(handle, wish))

    def __copy__(self) -> RaTlsVerifier:
        """Itself: verdicts and tunnels hang on the instance, and settings that hold one may be copied."""
        return self

    def __deepcopy__(self, memo: Any) -> RaTlsVerifier:
        """Itself, as with __copy__()."""
        return self

    def _run(self, function: _VerifyFunction, evidence: bytes, options: VerifyOptions | None) -> VerifyResult:
        policy, handle = policy_of(options), self._handle(options)
        run = _calls.interruptible if self._waits else _calls.direct
        return run(lambda cancel: result_of(function(handle, evidence, policy, cancel)))

    async def _run_async(self, function: _VerifyFunction, evidence: bytes, options: VerifyOptions | None) -> VerifyResult:
        policy, handle = policy_of(options), self._handle(options)
        return await _calls.awaitable(lambda cancel: result_of(function(handle, evidence, policy, cancel)))

    #: Whether a verification may wait for something, so that Ctrl-C must be able to end it.
    _waits = True

    def _handle(self, options: VerifyOptions | None) -> VerifierHandle:
        """The core's verifier. For one of the caller's it is made for the options, which `verify` is then given."""
        options = options or VerifyOptions()
        with _own_handles_lock:
            handles = _own_handles_of(self)
            if options not in handles:
                handles[options] = _core.new_custom_verifier(_Judge(self, options))
            handles.move_to_end(options)
            if len(handles) > _OPTION_SETS_MAX:
                handles.popitem(last=False)
            return handles[options]


if TYPE_CHECKING:
    from collections.abc import Callable

    from ._core import ResultHandle

    _VerifyFunction = Callable[[VerifierHandle, bytes, PolicyHandle | None, CancelHandle | None], ResultHandle]

#: Handles of the verifiers that are alive, by identity: two that compare equal may judge differently.
_own_handles: dict[int, tuple[weakref.ref[RaTlsVerifier], OrderedDict[VerifyOptions, VerifierHandle]]] = {}
_own_handles_lock = threading.Lock()


def _own_handles_of(verifier: RaTlsVerifier) -> OrderedDict[VerifyOptions, VerifierHandle]:
    key = id(verifier)
    owner, handles = _own_handles.get(key, (None, None))
    if owner is None or handles is None or owner() is not verifier:
        handles = OrderedDict()
        _own_handles[key] = weakref.ref(verifier, lambda _: _own_handles.pop(key, None)), handles
    return handles


def _warming(handle: VerifierHandle, wish: dict[str, Any]) -> Callable[[CancelHandle | None], None]:
    return lambda cancel: _core.warm(handle, wish, cancel)


class _BuiltIn(RaTlsVerifier):
    """A verifier of the core's."""

    _waits = False

    def __init__(self, handle: VerifierHandle) -> None:
        self._core_handle = handle

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if _BuiltIn not in cls.__bases__:
            # A tunnel asks the core, not the subclass: an overridden method would be a check that never runs.
            raise TypeError(f"{cls.__name__}: built-in verifiers cannot be subclassed; derive from RaTlsVerifier")

    async def verify(self, quote: BytesLike, options: VerifyOptions | None = None) -> VerifyResult:
        """verify_sync() as a coroutine; cancelling the task ends the verification."""
        return await self._run_async(_core.ratls_verify, as_bytes(quote, "quote"), options)

    def _handle(self, options: VerifyOptions | None) -> VerifierHandle:
        return self._core_handle


class DcapVerifier(_BuiltIn):
    """Checks quotes against Intel's signing chain on this machine.

    Collateral is fetched when it is needed, from Intel's service unless another is named, and kept in memory and on disk for all
    processes of this user; nothing is fetched for a quote whose certificates do not end in the trust anchor."""

    __module__ = "ra_tls_verify"

    def __init__(
        self, collateral: FileLike | BytesLike | Mapping[str, Any] | None = None, trust_anchor: FileLike | BytesLike | None = None, *,
        pccs_url: str | None = None, pccs_urls: Sequence[str] | None = None, pccs_ca_files: Sequence[FileLike | BytesLike | None] | None = None,
        ca_file: FileLike | BytesLike | None = None, proxy: str | None = None, no_proxy: str | None = None, cache_dir: FileLike | None = None,
        update: str = "standard", attempt_timeout_ms: int | None = None, http_connect_timeout_ms: int | None = None,
    ) -> None:
        """
        Args:
            collateral: the collateral bundle (docs/collateral.md): a path, its JSON text in bytes, or the parsed object. With it
                nothing is fetched.
            trust_anchor: root certificate that replaces Intel's: a path, or PEM or DER in bytes.
            pccs_url, pccs_urls: a service to fetch collateral from, or several that are asked in this order: PCCSs, or Intel's own.
            pccs_ca_files: for each of pccs_urls the authorities that its TLS is verified with (a path, or PEM in bytes; None: those
                of ca_file).
            ca_file: authorities for TLS; not given: the system's.
            proxy, no_proxy: HTTP proxy, and hosts reached without it; not given: https_proxy and no_proxy of the environment;
                "": none.
            cache_dir: directory that keeps what was fetched; not given: $XDG_CACHE_HOME/ratls or ~/.cache/ratls; "": memory alone.
            update: which set of Intel's TCB data: "standard" or "early".
            attempt_timeout_ms, http_connect_timeout_ms: limits of one request (15000) and one connection (5000).

        Raises:
            UsageError: a file is unreadable, the trust anchor is no root certificate, or an option is not valid.
            UnavailableError: the bundle is malformed.
        """
        if pccs_url is not None and pccs_urls is not None:
            raise from_code("ARGUMENT_INVALID", argument="pccs_url", what="means the same as pccs_urls: only one of them can be given")
        urls = _texts("pccs_urls", pccs_urls) if pccs_url is None else [_text("pccs_url", pccs_url) or ""]
        if proxy is None:
            proxy, no_proxy = proxy_of_environment("http" if urls and urls[0].startswith("http:") else "https", no_proxy)
        bundle = collateral_bytes(collateral)
        settings = {
            "collateral": bundle, "trust_anchor": anchor_bytes(trust_anchor),
            "pccs_urls": urls, "pccs_cas": authorities(pccs_ca_files), "ca": file_bytes(ca_file, "ca_file"),
            "proxy": _text("proxy", proxy), "no_proxy": _text("no_proxy", no_proxy), "cache_dir": None if bundle is not None else cache_directory(cache_dir),
            "update_early": int(is_early(update)), "attempt_timeout_ms": _number("attempt_timeout_ms", attempt_timeout_ms),
            "http_connect_timeout_ms": _number("http_connect_timeout_ms", http_connect_timeout_ms),
        }
        super().__init__(_core.new_dcap_verifier(settings))
        self._waits = bundle is None

    def fetch_collateral_sync(self, quote: BytesLike | None = None, *, certificate: BytesLike | str | None = None, fmspc: str | None = None,
                              ca: str | None = None, tee: str = "tdx", refresh: bool = False, timeout_ms: int | None = None) -> dict[str, Any]:
        """The collateral of one platform as a bundle, which `collateral` takes; see warm_sync() for the arguments.

        `refresh` asks the service also for what the cache has.
        """
        wish = {**one_wish(quote, certificate, fmspc, ca, tee, timeout_ms), "refresh": _flag("refresh", refresh)}
        bundle: dict[str, Any] = json.loads(_calls.interruptible(lambda cancel: _core.fetch_collateral(self._core_handle, wish, cancel)))
        return bundle

    def check_collateral_sync(self, quote: BytesLike | None = None, *, certificate: BytesLike | str | None = None, warn_days: int | None = None,
                              timeout_ms: int | None = None) -> dict[str, Any]:
        """What the platform of a quote has to expect when Intel's early set of TCB data becomes the standard one, and what expires soon
        (docs/collateral.md). `attention` is true when there is a warning."""
        wish = {**one_wish(quote, certificate, None, None, "tdx", timeout_ms), "warn_days": _number("warn_days", warn_days)}
        report: dict[str, Any] = json.loads(_calls.interruptible(lambda cancel: _core.check_collateral(self._core_handle, wish, cancel)))
        return report


class NoopVerifier(_BuiltIn):
    """Checks no signature: for development. The options and the key binding still hold, and a quote must be there."""

    __module__ = "ra_tls_verify"

    def __init__(self) -> None:
        super().__init__(_core.new_noop_verifier())


class IntelApiVerifier(_BuiltIn):
    """Asks Intel Trust Authority, and checks its signed answer: that Intel signed it, just now, about the very quote that
    was sent. The quote, and nothing else, goes to Intel's servers."""

    __module__ = "ra_tls_verify"

    _waits = True

    def __init__(
        self, api_key: str | None = None, region: str | None = "us", *, base_url: str | None = None, portal_url: str | None = None,
        api_version: int | None = None, policy_ids: Sequence[str] | None = None, policy_must_match: bool = False,
        allow_unmatched_policies: bool = False, allowed_algorithms: Sequence[str] | None = None,
        pinned_roots: FileLike | BytesLike | None = None, crl_policy: str = "hard", crl_hosts: Sequence[str] | None = None,
        relaxed_chain: bool = False, min_rsa_bits: int | None = None, ca_file: FileLike | BytesLike | None = None,
        proxy: str | None = None, no_proxy: str | None = None, attempts: int | None = None, attempt_timeout_ms: int | None = None,
        http_connect_timeout_ms: int | None = None, requests_per_second: int | None = None,
    ) -> None:
        """
        Args:
            api_key: an attestation key; not given: INTEL_TRUST_AUTHORITY_API_KEY.
            region: "us" or "eu".
            base_url, portal_url: another service than the region's; https, without a path.
            api_version: 2 (the default) or 1.
            policy_ids: appraisal policies (UUIDs), each of which must match.
            policy_must_match: ask for no token at all unless every policy matches.
            allow_unmatched_policies: accept although a policy that was not asked for did not match.
            allowed_algorithms: "PS384" (the default), "RS256"; the first is asked for.
            pinned_roots: root certificates that the token's signing chain must end in: a path, PEM, or one in DER.
            crl_policy: when revocation cannot be checked: "hard" (refuse), "soft" (accept, warn, list `intel_crl` in
                `waived`), "off" (do not ask).
            crl_hosts: hosts beside the portal's that revocation lists may come from.
            relaxed_chain: accept signing chains that are not strictly as RFC 5280 has them.
            min_rsa_bits: least size of the token's signing key; not given: 3072.
            ca_file: authorities that web servers are verified with (a path, or PEM in bytes); not given: the system's.
            proxy, no_proxy: HTTP proxy, and hosts reached without it; not given: https_proxy and no_proxy of the environment;
                "": none.
            attempts: times that a request is tried; not given: 3.
            attempt_timeout_ms, http_connect_timeout_ms: limits of one attempt and one connection.
            requests_per_second: not given: 2 for Intel's own service, no limit for another; negative: no limit.

        Raises:
            UsageError: INTEL_API_KEY_MISSING, or an option is not valid.
        """
        if api_key is None or api_key == "":
            api_key = os.environ.get("INTEL_TRUST_AUTHORITY_API_KEY") or None
        if proxy is None:
            proxy, no_proxy = proxy_of_environment("https", no_proxy)
        settings = {
            "api_key": _text("api_key", api_key), "region": None if base_url is not None and region == "us" else _text("region", region),
            "base_url": _text("base_url", base_url), "portal_url": _text("portal_url", portal_url),
            "policy_ids": _texts("policy_ids", policy_ids), "allowed_algorithms": _texts("allowed_algorithms", allowed_algorithms),
            "crl_hosts": _texts("crl_hosts", crl_hosts), "pinned_roots": file_bytes(pinned_roots, "pinned_roots"),
            "ca": file_bytes(ca_file, "ca_file"), "proxy": _text("proxy", proxy), "no_proxy": _text("no_proxy", no_proxy),
            "crl_policy": _crl_policy(crl_policy), "policy_must_match": _flag("policy_must_match", policy_must_match),
            "allow_unmatched_policies": _flag("allow_unmatched_policies", allow_unmatched_policies),
            "relaxed_chain": _flag("relaxed_chain", relaxed_chain), "api_version": _number("api_version", api_version),
            "min_rsa_bits": _number("min_rsa_bits", min_rsa_bits), "attempts": _number("attempts", attempts),
            "attempt_timeout_ms": _number("attempt_timeout_ms", attempt_timeout_ms),
            "http_connect_timeout_ms": _number("http_connect_timeout_ms", http_connect_timeout_ms),
            "requests_per_second": _number("requests_per_second", requests_per_second),
        }
        super().__init__(_core.new_intel_verifier(settings))


class _Combined(RaTlsVerifier):
    """A verifier made of others, built in or the caller's own."""

    _all = False

    def __init__(self, *verifiers: RaTlsVerifier) -> None:
        """
        Args:
            verifiers: 1 to 8 of them, asked in this order.

        Raises:
            UsageError: there are none or too many, or one of them checks no signature (NoopVerifier).
        """
        for verifier in verifiers:
            if not isinstance(verifier, RaTlsVerifier):
                raise from_code("ARGUMENT_INVALID", argument="verifiers", what=f"expected verifiers, found {type(verifier).__name__}")
        if len(verifiers) > _core.RATLS_COMBINED_MAX:
            raise from_code("ARGUMENT_INVALID", argument="verifiers", what=f"more than {_core.RATLS_COMBINED_MAX}")
        self._verifiers = verifiers
        self._handles: OrderedDict[VerifyOptions | None, VerifierHandle] = OrderedDict()
        self._handles_lock = threading.Lock()
        self._handle(None)

    async def verify(self, quote: BytesLike, options: VerifyOptions | None = None) -> VerifyResult:
        """verify_sync() as a coroutine; cancelling the task ends the verification."""
        return await self._run_async(_core.ratls_verify, as_bytes(quote, "quote"), options)

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if _Combined not in cls.__bases__:
            raise TypeError(f"{cls.__name__}: built-in verifiers cannot be subclassed; derive from RaTlsVerifier")

    def _handle(self, options: VerifyOptions | None) -> VerifierHandle:
        """The core's verifier: one for all options, unless a verifier of the caller's among the parts has one for each."""
        key = None if all(_serves_all_options(verifier) for verifier in self._verifiers) else options or VerifyOptions()
        with self._handles_lock:
            if key not in self._handles:
                parts = [verifier._handle(options) for verifier in self._verifiers]
                self._handles[key] = _core.new_combined_verifier(parts, int(self._all))
            self._handles.move_to_end(key)
            if len(self._handles) > _OPTION_SETS_MAX:
                self._handles.popitem(last=False)
            return self._handles[key]


class AllVerifiers(_Combined):
    """Accepts only what each of several verifiers accepts: the worst TCB status, the union of the advisories."""

    __module__ = "ra_tls_verify"

    _all = True


class FirstVerifier(_Combined):
    """Asks several verifiers in turn until one could check: the next one is asked only when one could not (network, timeout,
    missing collateral), never after a refusal."""

    __module__ = "ra_tls_verify"


def _serves_all_options(verifier: RaTlsVerifier) -> bool:
    """Its handle does not depend on the options."""
    if isinstance(verifier, _Combined):
        return all(_serves_all_options(part) for part in verifier._verifiers)
    return isinstance(verifier, _BuiltIn)


_CRL_POLICIES = {"hard": 0, "soft": 1, "off": 2}


def _crl_policy(word: str) -> int:
    if not isinstance(word, str) or word not in _CRL_POLICIES:
        raise from_code("OPTION_VALUE", option="crl_policy", found=str(word), expected="hard, soft or off")
    return _CRL_POLICIES[word]


def _wrong_type(option: str, value: Any, expected: str) -> RaTlsError:
    return from_code("OPTION_TYPE", option=option, found=type(value).__name__, expected=expected)


def _text(option: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise _wrong_type(option, value, "str")
    if value is not None and "\0" in value:
        raise from_code("OPTION_VALUE", option=option, found="(with a NUL)", expected="text without NUL")
    return value


def _texts(option: str, values: Any) -> list[str] | None:
    if values is None:
        return None
    if isinstance(values, (str, bytes)) or not isinstance(values, Sequence) or len(values) > 16:
        raise _wrong_type(option, values, "a sequence of at most 16 str")
    return [_text(option, value) or "" for value in values]


def _number(option: str, value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise _wrong_type(option, value, "int")
    if value is not None and not -2**31 <= value < 2**31:
        raise from_code("OPTION_VALUE", option=option, found=str(value)[:40], expected="a number of 32 bits")
    return value


def _flag(option: str, value: Any) -> int:
    if not isinstance(value, bool):
        raise _wrong_type(option, value, "bool")
    return int(value)


def proxy_of_environment(scheme: str, no_proxy: str | None) -> tuple[str | None, str | None]:
    """The core reads no environment: what others there look up is given to it. Where there is a web server around, HTTP_PROXY
    in capitals may be a header of its client's: it does not count."""
    def first(*names: str) -> str | None:
        return next((value for value in map(os.environ.get, names) if value), None)

    named = ("http_proxy",) if scheme == "http" else ("https_proxy", "HTTPS_PROXY")
    return first(*named, "all_proxy", "ALL_PROXY"), no_proxy if no_proxy is not None else first("no_proxy", "NO_PROXY")


class _Judge:
    """Lets a verifier of the caller's answer the core's requests. The core holds it, so it must not hold the verifier."""

    def __init__(self, verifier: RaTlsVerifier, options: VerifyOptions) -> None:
        self._verifier = weakref.ref(verifier)
        self._options = options

    def __call__(self, request: RequestHandle) -> None:
        """Answer a request, now or, for a coroutine, when it ends. Runs on a thread of the core."""
        try:
            verifier = self._verifier()
            if verifier is None:
                raise RuntimeError("it is gone")
            claims = verifier.verify(_core.custom_quote(request), self._options)
            if inspect.iscoroutine(claims):
                _calls.schedule(claims).add_done_callback(lambda future: _answer_later(request, future))
                return
            if inspect.isawaitable(claims):
                raise TypeError(f"verify() returned {type(claims).__name__}, expected claims or a coroutine")
            text = _claims_json(claims)
        except BaseException as error:
            _reject(request, error)
        else:
            _core.custom_accept(text, request)


def _answer_later(request: RequestHandle, future: Future[Any]) -> None:
    try:
        text = _claims_json(future.result())
    except BaseException as error:
        _reject(request, error)
    else:
        _core.custom_accept(text, request)


def _reject(request: RequestHandle, error: BaseException) -> None:
    """Refused only when the verifier says so; whatever else went wrong means that it could not be checked."""
    refused = isinstance(error, RefusedError)
    reason = str(error) if refused else f"{type(error).__name__}: {error}"
    kind = _core.RATLS_CLASS_REFUSED if refused else _core.RATLS_CLASS_UNAVAILABLE
    cleaned = reason[:_REASON_MAX].replace("\0", "?").encode("utf-8", "replace").decode()
    _core.custom_reject(cleaned, kind, request)


def _claims_json(claims: Any) -> str:
    """Claims as the core reads them. Of an object only what may be claimed; of a mapping everything, for the core to judge."""
    if not isinstance(claims, Mapping):
        claims = {name: getattr(claims, name, None) for name in CLAIMS}
    return json.dumps({name: _claim(value) for name, value in claims.items() if value is not None})


def _claim(value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"a claimed time has no time zone: {value.isoformat()}")
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(value)
    return value
