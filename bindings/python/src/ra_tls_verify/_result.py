"""The verdict on evidence that was accepted."""
from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import _core
from ._codes import RESULT_FIELDS
from ._errors import from_code
from ._result_fields import ResultFields

if TYPE_CHECKING:
    from ._core import ResultHandle


@dataclass(frozen=True, kw_only=True)
class VerifyResult(ResultFields):
    """What a verification established. There is no result without acceptance: a refusal is an exception.

    Measurements are lower-case hexadecimal in memory order and always from the quote. Times are aware datetimes in UTC.
    """

    __module__ = "ra_tls_verify"

    #: Every field as one flat JSON object, null where not known (docs/result.schema.json).
    json: str = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, as in the JSON: times are RFC 3339 texts."""
        fields: dict[str, Any] = json.loads(self.json)
        return fields

    def __hash__(self) -> int:
        return hash(self.json)


def result_of(handle: ResultHandle) -> VerifyResult:
    """The result that a handle of the core stands for."""
    text = _core.ratls_result_json(handle)
    if text is None:
        raise from_code("OUT_OF_MEMORY")
    known = json.loads(text)
    values = {name: _value(kind, known[name]) for name, kind in RESULT_FIELDS.items()}
    return VerifyResult(json=text, **values)


def _value(kind: str, value: Any) -> Any:
    if kind == "time" and value is not None:
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    return value
