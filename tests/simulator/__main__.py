"""`python -m simulator mint`: evidence into files."""
from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from simulator.certificate import FORMS
from simulator.faults import FAULTS
from simulator.minted import Minted
from simulator.quote import KINDS
from simulator.world import DEFAULT_NOW, World


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add_recipe(commands.add_parser("mint", help="write evidence, collateral and trust anchor to files")).add_argument(
        "--out", type=Path, required=True, metavar="DIR")
    return parser.parse_args(arguments)


def add_recipe(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The options that choose what is minted."""
    parser.add_argument("--seed", default="libratls", help="everything follows from it and from --now")
    parser.add_argument("--now", type=moment, default=DEFAULT_NOW, help=f"unix seconds, or `clock`; default {DEFAULT_NOW}")
    parser.add_argument("--kind", choices=sorted(KINDS), default="tdx-v4", help="form of the quote")
    parser.add_argument("--form", choices=sorted(FORMS), help="how the certificate carries it; default v0")
    parser.add_argument("--chain", choices=["kms", "self-signed"], default="kms")
    parser.add_argument("--fault", choices=sorted(FAULTS), help="one thing that is wrong; default nothing")
    parser.add_argument("--label", default="leaf", help="another label is another server")
    return parser


def moment(text: str) -> int:
    return int(time.time()) if text == "clock" else int(text)


def mint(options: argparse.Namespace) -> Minted:
    form = {"form": options.form} if options.form else {}
    return World(options.seed, options.now).mint(options.fault, kind=options.kind, chain=options.chain, label=options.label, **form)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    mint(options).write(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
