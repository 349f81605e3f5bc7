"""The project's own rules, where a machine can check them."""
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
C_FILES = sorted([*ROOT.glob("core/**/*.[ch]"), *ROOT.glob("tests/**/*.[ch]")])
CORE_FILES = [path for path in C_FILES if path.is_relative_to(ROOT / "core")]
#: Functions that have a safe sibling.
FORBIDDEN = re.compile(r"\b(sprintf|vsprintf|strcpy|strcat|strncat|strncpy|gets|atoi|atol|alloca|memmem)\s*\(")
#: libcurl is begun once in a process and never ended: others in it may use it, too.
ONCE = re.compile(r"\bcurl_global_\w+\s*\(")
#: Only the command reads the environment; the core never does.
ENVIRONMENT = re.compile(r"\b(secure_)?getenv\s*\(")
WORDS = re.compile(r"\bTODO\b|\bFIXME\b|\bXXX\b")


def version() -> str:
    return (ROOT / "VERSION").read_text().strip()


def offences(paths: list[Path], pattern: re.Pattern[str]) -> list[str]:
    return [f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
            for path in paths for number, line in enumerate(path.read_text().splitlines(), 1) if pattern.search(line)]


def test_there_is_c_to_check() -> None:
    assert len(CORE_FILES) > 40


def test_no_forbidden_function() -> None:
    assert offences(C_FILES, FORBIDDEN) == []


def test_libcurl_is_begun_once() -> None:
    calls = offences(C_FILES, ONCE)
    assert len(calls) == 1 and calls[0].startswith("core/src/base/http.c:")
    assert "pthread_once(&curl_begun, begin_curl)" in (ROOT / "core/src/base/http.c").read_text()


def test_the_core_reads_no_environment() -> None:
    assert offences([path for path in CORE_FILES if "cli" not in path.parts], ENVIRONMENT) == []


def test_no_unfinished_business() -> None:
    assert offences(C_FILES, WORDS) == []


def test_no_file_is_too_long() -> None:
    # The public header is one file, since that is what a user includes.
    long = [str(path.relative_to(ROOT)) for path in CORE_FILES
            if path.name != "ratls.h" and "generated" not in path.read_text()[:200].lower() and len(path.read_text().splitlines()) > 700]
    assert long == []


def test_every_area_only_looks_left() -> None:
    """Data goes one way: nothing to the right of an arrow is called by anything to its left."""
    order = ["base", "evidence", "dcap", "collateral", "intel", "policy", "report", "verifier", "agent", "leader", "tunnel"]
    between = {"policy/claims.h": "evidence"}  # the type on the arrow from verifiers to policy
    wrong = []
    for path in CORE_FILES:
        if not path.is_relative_to(ROOT / "core/src"):
            continue
        area = path.relative_to(ROOT / "core/src").parts[0]
        for header in re.findall(r'#include "(\w+/\w+\.h)"', path.read_text()):
            owner = between.get(header, header.split("/")[0])
            if owner in order and order.index(owner) > order.index(area):
                wrong.append(f"{path.relative_to(ROOT)} includes {header}")
    assert wrong == []


def test_versions_agree() -> None:
    header = (ROOT / "core/include/ratls/ratls.h").read_text()
    parts = [re.search(rf"#define RATLS_VERSION_{part} (\d+)", header) for part in ("MAJOR", "MINOR", "PATCH")]
    assert ".".join(part.group(1) for part in parts if part) == version()
    for package in ("bindings/python", "clients/python"):
        project = tomllib.loads((ROOT / package / "pyproject.toml").read_text())
        declared = project["project"].get("version")
        assert declared in (None, version()), package


def test_changelog_knows_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert f"## {version()}" in text and "*ABI compatibility*" in text


@pytest.mark.parametrize("path", ["README.md", "docs/architecture.md", "CHANGELOG.md", "LICENSE"])
def test_document_is_there(path: str) -> None:
    assert (ROOT / path).stat().st_size > 200


def test_no_captured_evidence_is_committed() -> None:
    """What the project commits it made itself: nothing signed by Intel's real keys."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    intel_root_key = bytes.fromhex("0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f567918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394")
    holders = [name.decode() for name in names if name and (ROOT / name.decode()).is_file()
               and intel_root_key in (ROOT / name.decode()).read_bytes()]
    assert holders == []
