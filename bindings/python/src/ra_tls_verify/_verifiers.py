"""Who judges a quote."""
from __future__ import annotations

import inspect
import json
import os
import threading
import weakref
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from . import _calls, _core
from ._errors import RefusedError, from_code
from ._inputs import BytesLike, FileLike, anchor_bytes, as_bytes, certificate_der, collateral_bytes
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
    """Checks quotes against Intel's signing chain on this machine."""

    __module__ = "ra_tls_verify"

    def __init__(self, collateral: FileLike | BytesLike | Mapping[str, Any] | None = None,
                 trust_anchor: FileLike | BytesLike | None = None) -> None:
        """
        Args:
            collateral: the collateral bundle (docs/collateral.md): a path, its JSON text in bytes, or the parsed object.
            trust_anchor: root certificate that replaces Intel's: a path, or PEM or DER in bytes.

        Raises:
            UsageError: a file is unreadable, or the trust anchor is no root certificate.
            UnavailableError: the bundle is malformed.
        """
        bundle, anchor = collateral_bytes(collateral), anchor_bytes(trust_anchor)
        super().__init__(_core.new_dcap_verifier(bundle, anchor))


class NoopVerifier(_BuiltIn):
    """Checks no signature: for development. The options and the key binding still hold, and a quote must be there."""

    __module__ = "ra_tls_verify"

    def __init__(self) -> None:
        super().__init__(_core.new_noop_verifier())


class IntelApiVerifier(_BuiltIn):
    """Asks Intel Trust Authority. Not built yet in this version."""

    __module__ = "ra_tls_verify"

    def __init__(self, api_key: str | None = None) -> None:
        """
        Args:
            api_key: key for Intel Trust Authority; not given: INTEL_TRUST_AUTHORITY_API_KEY.

        Raises:
            UsageError: INTEL_API_KEY_MISSING; NOT_BUILT.
        """
        if not (api_key or os.environ.get("INTEL_TRUST_AUTHORITY_API_KEY")):
            raise from_code("INTEL_API_KEY_MISSING")
        raise from_code("NOT_BUILT", found="IntelApiVerifier")


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
