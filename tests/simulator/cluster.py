"""The name server of a cluster as a program: it publishes leader records, and does what JSON lines on standard input say."""
from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Callable

from simulator.manifest import Manifest, Signer

DOMAIN = "cluster.example"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--domain", default=DOMAIN, help=f"of the cluster; default {DOMAIN}")
    parser.add_argument("--signer", default="signer", help="seed of the key that signs")


def run(options: argparse.Namespace, say: Callable[..., None]) -> int:
    """Serve until standard input ends. A command is `publish`, fields of a Manifest, or a list of them: these are the leader
    records from now on; `records`, the same word for word; or `manner`, a name (names.MANNERS)."""
    from simulator.names import MANNERS, NameServer  # needs dnslib, which nothing else here does

    signer = Signer(options.signer)
    with NameServer() as names:
        say(event="listening", dns=names.address, domain=options.domain, signer=signer.address)
        for line in sys.stdin:
            command: dict[str, Any] = json.loads(line)
            if "manner" in command:
                names.manner = MANNERS[command["manner"]]
            if "publish" in command:
                wanted = command["publish"] if isinstance(command["publish"], list) else [command["publish"]]
                command["records"] = [Manifest(**fields).signed(signer) for fields in wanted]
            if "records" in command:
                names.publish(options.domain, *command["records"])
            say(event="done", questions=len(names.questions), records=command.get("records"))
    return 0
