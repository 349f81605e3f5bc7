"""The core's tables: which code has which class and stage, which fields there are."""
from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

TABLES = Path(__file__).resolve().parents[3] / "core" / "tables"


def load(name: str) -> dict[str, Any]:
    return tomllib.loads((TABLES / f"{name}.toml").read_text(encoding="utf-8"))


#: Code to its row.
CODES: dict[str, dict[str, Any]] = {name: row for block in load("codes").values() for name, row in block.items()}
#: Field to its row, in the table's order.
FIELDS: dict[str, dict[str, Any]] = load("fields")["field"]
