#!/usr/bin/env python3
"""Hold our verifier against the published ones over many mutations: `compare.py [--seed N] [--cases N] [--npm]`.

With `strict_intersection`, what we accept both of them accept, with the same status; where we refuse and one of them accepts,
the difference is a class of classes.py, with its reason. Prints a table of the classes; an unnamed difference ends with 1.

Needs PYTHONPATH=tests, the packages `cryptography` and `dcap-qvl`, RATLS_LIBRARY (build/lib/libratls.so unless set), and with --npm
@phala/dcap-qvl in tests/simulator/node_modules or where NODE_PATH points. RATLS_VECTORS adds captured evidence.
"""
import argparse
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

from classes import ACCEPTED, REFUSED, Difference, find_class, find_status  # noqa: E402
from mutations import Case, Mutations  # noqa: E402
from ours import Ours  # noqa: E402
from oracles import Answer, Npm, Oracle, PyPi  # noqa: E402

#: What a caller accepts by default; the oracles leave that to the caller.
ACCEPTABLE = ("UpToDate", "SWHardeningNeeded")


class Comparison:
    """Differences by class, and those that have no name."""

    def __init__(self, oracles: list[Oracle]) -> None:
        self.ours = Ours()
        self.oracles = oracles
        self.inputs = 0
        self.answers: Counter[str] = Counter()
        self.classes: Counter[tuple[str, str, str]] = Counter()
        self.unnamed: list[str] = []

    def run(self, case: Case) -> None:
        accepted, found = self.ours.verify(case.quote, case.collateral.encode(), case.root, case.now)
        self.inputs += 1
        self.answers["accepted" if accepted else "refused"] += 1
        for oracle in self.oracles:
            self.hold_against(oracle, case, accepted, found, oracle.judge(case.quote, case.collateral, case.root, case.now))

    def hold_against(self, oracle: Oracle, case: Case, accepted: bool, found: dict[str, Any], answer: Answer) -> None:
        theirs = answer.status in ACCEPTABLE
        if accepted and not theirs:
            self.name(oracle, find_class(ACCEPTED, oracle.name, "", answer.error) if answer.status is None else None,
                      f"we accept ({found['tcb_status_dcap']}), it does not ({answer.status or answer.error}): {case.what}")
        elif theirs and not accepted:
            self.name(oracle, find_class(REFUSED, oracle.name, found["code"], found["message"]), f"it accepts ({answer.status}), we say {found['code']} "
                      f"({found['message'][:150]}): {case.what}")
        else:
            ours = found["tcb_status_dcap"] if accepted else (found["tcb"] or {}).get("tcb_status_dcap")
            if answer.status is not None and ours is not None and answer.status != ours:
                self.name(oracle, find_status(oracle.name, ours, answer.status), f"it says {answer.status}, we say {ours}: {case.what}")

    def name(self, oracle: Oracle, known: Difference | None, told: str) -> None:
        if known is None:
            self.unnamed.append(f"{oracle.name}: {told}")
        else:
            self.classes[oracle.name, known.name, known.reason] += 1

    def tell(self) -> None:
        print(f"{self.inputs} inputs, {self.answers['accepted']} accepted, {self.answers['refused']} refused; "
              f"held against {', '.join(oracle.name for oracle in self.oracles)}")
        for (oracle, name, reason), count in sorted(self.classes.items()):
            print(f"  {oracle:5} {count:6} {name}: {reason}")
        for told in self.unnamed[:40]:
            print(f"UNNAMED {told}")
        print(f"{sum(self.classes.values())} named differences of {len(self.classes)} classes, {len(self.unnamed)} unnamed")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--npm", action="store_true")
    options = parser.parse_args()
    mutations = Mutations(options.seed)
    npm = Npm() if options.npm else None
    comparison = Comparison([PyPi(), npm] if npm else [PyPi()])
    for case in [*mutations.sound(), *islice(mutations.cases(), options.cases)]:
        comparison.run(case)
    if npm is not None:
        npm.close()
    comparison.tell()
    assert comparison.answers["accepted"] > 0, "nothing was accepted: it compares nothing"
    return 1 if comparison.unnamed else 0


if __name__ == "__main__":
    sys.exit(main())
