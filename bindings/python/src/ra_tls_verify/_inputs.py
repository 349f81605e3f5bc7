"""Bytes and files as callers have them."""
from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Mapping
from typing import Any

from ._errors import from_code

BytesLike = bytes | bytearray | memoryview
FileLike = str | os.PathLike[str]

_CERTIFICATE_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----")


def as_bytes(value: BytesLike, argument: str) -> bytes:
    """Bytes as they are, other buffers as one copy; UsageError for anything else."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    raise from_code("ARGUMENT_INVALID", argument=argument, what=f"expected bytes, found {type(value).__name__}")


def certificate_der(certificate: BytesLike | str) -> bytes:
    """DER of a certificate given as DER, or as PEM in bytes or str (of a chain, the first: the leaf).

    What is not PEM is taken for DER; the core judges it.
    """
    data = certificate.encode("utf-8", "replace") if isinstance(certificate, str) else as_bytes(certificate, "certificate")
    # Evidence in DER holds PEM of its own: only what is text throughout is PEM.
    match = _CERTIFICATE_PEM.search(data) if data.isascii() else None
    if match is None:
        return data
    try:
        return base64.b64decode(b"".join(match.group(1).split()), validate=True)
    except binascii.Error:
        return data


def read_file(path: FileLike) -> bytes:
    """A file's content; UsageError FILE_UNREADABLE."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise from_code("FILE_UNREADABLE", path=os.fspath(path), what=what) from None


def collateral_bytes(collateral: FileLike | BytesLike | Mapping[str, Any] | None) -> bytes | None:
    """A collateral bundle given as a path, as its JSON text in bytes, or as the parsed object."""
    if collateral is None:
        return None
    if isinstance(collateral, (str, os.PathLike)):
        return read_file(collateral)
    return json_bytes(collateral, "collateral")


def anchor_bytes(trust_anchor: FileLike | BytesLike | None) -> bytes | None:
    """A root certificate given as a path, or as PEM or DER in bytes."""
    return file_bytes(trust_anchor, "trust_anchor")


def file_bytes(given: FileLike | BytesLike | None, argument: str) -> bytes | None:
    """A file's content, given as a path or as the content itself in bytes."""
    if given is None:
        return None
    if isinstance(given, (str, os.PathLike)):
        return read_file(given)
    return as_bytes(given, argument)


def json_bytes(value: BytesLike | str | Mapping[str, Any], argument: str) -> bytes:
    """Evidence or a report, given as its bytes, its JSON text or the parsed object. The core judges it."""
    if isinstance(value, Mapping):
        try:
            return json.dumps(dict(value)).encode()
        except (TypeError, ValueError) as error:
            raise from_code("ARGUMENT_INVALID", argument=argument, what=str(error)) from None
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return as_bytes(value, argument)
