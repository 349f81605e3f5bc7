"""Our verifier, through the C ABI: what it says of a quote under the strict intersection."""
from __future__ import annotations

import ctypes
import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OPTIONS_ROOM = 1024  # longer than the struct of options: what the library does not know must be zero, and is


class Options(ctypes.Structure):
    """The first fields of ratls_dcap_options."""

    _fields_ = [("size", ctypes.c_size_t), ("collateral", ctypes.c_char_p), ("collateral_len", ctypes.c_size_t),
                ("trust_anchor", ctypes.c_char_p), ("trust_anchor_len", ctypes.c_size_t), ("rest", ctypes.c_char * (OPTIONS_ROOM - 40))]


class Ours:
    """`verify` gives (True, result) or (False, error)."""

    def __init__(self) -> None:
        path = os.environ.get("RATLS_LIBRARY", str(ROOT / "build/lib/libratls.so"))
        self.library = ctypes.CDLL(path)
        for name in ("ratls_result_json", "ratls_error_json", "ratls_error_tcb_json"):
            getattr(self.library, name).restype = ctypes.c_char_p
        self.library.ratls_policy_options.restype = ctypes.c_void_p

    def verify(self, quote: bytes, collateral: bytes, root: bytes, now: int) -> tuple[bool, dict[str, Any]]:
        library = self.library
        options, error, verifier = Options(), ctypes.c_void_p(), ctypes.c_void_p()
        library.ratls_dcap_options_init(ctypes.byref(options), ctypes.c_size_t(OPTIONS_ROOM))
        options.collateral, options.collateral_len = collateral, len(collateral)
        options.trust_anchor, options.trust_anchor_len = root, len(root)
        if library.ratls_verifier_new_dcap(ctypes.byref(verifier), ctypes.byref(options), ctypes.byref(error)) != 0:
            return False, self.failure(error)
        policy, result = ctypes.c_void_p(), ctypes.c_void_p()
        text = json.dumps({"strict_intersection": True, "now": now}).encode()
        assert library.ratls_policy_parse(ctypes.byref(policy), text, ctypes.c_size_t(len(text)), None) == 0
        status = library.ratls_verify(ctypes.byref(result), verifier, quote, ctypes.c_size_t(len(quote)),
                                      ctypes.c_void_p(library.ratls_policy_options(policy)), None, ctypes.byref(error))
        library.ratls_policy_free(policy)
        library.ratls_verifier_free(verifier)
        if status != 0:
            return False, self.failure(error)
        found: dict[str, Any] = json.loads(library.ratls_result_json(result))
        library.ratls_result_free(result)
        return True, found

    def failure(self, error: ctypes.c_void_p) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.library.ratls_error_json(error, 0))
        found["tcb"] = json.loads(self.library.ratls_error_tcb_json(error))
        self.library.ratls_error_free(error)
        return found
