"""`python -m simulator mint`: evidence into files; `sidecar`: TLS with evidence in front of PostgreSQL; `postgres`: a PostgreSQL;
`agent`: a dstack guest agent; `intel` and `pccs`: services of Intel's."""
from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from simulator import cluster
from simulator.agent import MANNERS, GuestAgent
from simulator.certificate import FORMS
from simulator.client_check import ClientCheck
from simulator.faults import FAULTS
from simulator.intel import process as intel
from simulator.pccs import server as pccs
from simulator.minted import Minted
from simulator.postgres import Cluster
from simulator.quote import KINDS
from simulator.report import ENCODINGS, PostgresState
from simulator.report_server import MANNERS as REPORT_MANNERS
from simulator.report_server import ReportServer
from simulator.sidecar import BEHAVIOURS, Connection, Sidecar, Upstream
from simulator.tls_postgres import TlsCluster
from simulator.world import DEFAULT_NOW, World


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add_recipe(commands.add_parser("mint", help="write evidence, collateral and trust anchor to files")).add_argument(
        "--out", type=Path, required=True, metavar="DIR")
    add_sidecar(add_recipe(commands.add_parser("sidecar", help="TLS in front of PostgreSQL; says in JSON lines what happens")))
    add_postgres(add_recipe(commands.add_parser("postgres", help="a throw-away PostgreSQL, until standard input ends")))
    add_agent(add_recipe(commands.add_parser("agent", help="a dstack guest agent; says in a JSON line where it is")))
    report = commands.add_parser("report", help="a sidecar's /attestation and /health over HTTP; obeys commands until standard input ends")
    report.add_argument("--seed", default="libratls", help="everything follows from it and from --now")
    report.add_argument("--now", type=moment, default=DEFAULT_NOW, help=f"unix seconds, or `clock`; default {DEFAULT_NOW}")
    report.add_argument("--manner", choices=REPORT_MANNERS, default="normal")
    report.add_argument("--encoding", choices=sorted(ENCODINGS), default="A", help="of REPORTDATA")
    report.add_argument("--out", type=Path, metavar="DIR", help="write collateral and trust anchor there")
    authority = commands.add_parser("intel", help="a stand-in for Intel Trust Authority, or a command beside one")
    authority.add_argument("--now", type=moment, default=DEFAULT_NOW, help=f"unix seconds, or `clock`; default {DEFAULT_NOW}")
    intel.add_arguments(authority)
    service = commands.add_parser("pccs", help="a PCCS with a world's collateral, until standard input ends; says in one line of JSON where")
    service.add_argument("--now", type=moment, default=DEFAULT_NOW, help=f"unix seconds, or `clock`; default {DEFAULT_NOW}")
    pccs.add_arguments(service)
    cluster.add_arguments(commands.add_parser("cluster", help="a name server that says who leads a cluster"))
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


def add_sidecar(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--upstream", type=upstream, required=True, help="PostgreSQL: HOST:PORT, or the path of its socket")
    parser.add_argument("--listen", type=upstream, default=("127.0.0.1", 0), metavar="HOST:PORT", help="port 0: a free one")
    parser.add_argument("--behaviour", choices=sorted(BEHAVIOURS), default="normal")
    parser.add_argument("--client-certificate", choices=["none", "optional", "required", "attested"], default="none",
                        help="demand one that the world's KMS issued; attested: verify its quote as well, with the command")
    parser.add_argument("--commands", action="store_true", help="read commands from standard input, and end with it")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the evidence there, too")


def add_postgres(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--authentication", choices=["scram-sha-256", "trust"], default="scram-sha-256", help="what it demands of everybody")
    parser.add_argument("--tls", choices=["start", "direct"],
                        help="let it end the TLS itself, with what is minted: on request, or also from the first byte (from npm)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the evidence there")


def add_agent(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--socket", type=Path, help="path of its Unix socket; without it, HTTP on a free port of 127.0.0.1")
    parser.add_argument("--legacy", action="store_true", help="speak the protocol of tappd, its predecessor")
    parser.add_argument("--manner", choices=sorted(MANNERS), default="normal")
    parser.add_argument("--lifetime", type=float, metavar="S", help="seconds that a certificate is valid")


def moment(text: str) -> int:
    return int(time.time()) if text == "clock" else int(text)


def upstream(text: str) -> Upstream:
    if text.startswith("/"):
        return Path(text)
    host, _, port = text.rpartition(":")
    return host, int(port)


def mint(options: argparse.Namespace) -> Minted:
    form = {"form": options.form} if options.form else {}
    return World(options.seed, options.now).mint(options.fault, kind=options.kind, chain=options.chain, label=options.label, **form)


def say(**event: Any) -> None:
    """One event on standard output; bytes in hex."""
    sys.stdout.write(json.dumps(event, default=lambda value: value.hex()) + "\n")
    sys.stdout.flush()


def say_closed(connection: Connection) -> None:
    say(event="closed", connection=asdict(connection))


def run_sidecar(options: argparse.Namespace) -> None:
    """Serve until a signal, or until standard input ends."""
    minted = mint(options)
    if options.out:
        minted.write(options.out)
    ended = None if options.commands else expect_signal()
    host, port = options.listen
    attested = options.client_certificate == "attested"
    with contextlib.ExitStack() as stack:
        check = stack.enter_context(ClientCheck(minted)) if attested else None
        sidecar = stack.enter_context(Sidecar(
            minted, options.upstream, behaviour=BEHAVIOURS[options.behaviour], host=host, port=port, client_ca=minted.kms_root_pem,
            client_certificate="required" if attested else options.client_certificate, client_check=check, on_closed=say_closed))
        mr_td = minted.mr_td if KINDS[options.kind].tee else None
        say(event="listening", host=host, port=sidecar.port, mr_td=mr_td, now=minted.now, fault=minted.fault)
        if ended is None:
            obey(sidecar, World(options.seed, options.now))
        else:
            ended.wait()


def run_agent(options: argparse.Namespace) -> None:
    """Serve until standard input ends; each line of it is a command, {"manner": NAME, "lifetime_s": SECONDS}."""
    form = {"form": options.form} if options.form else {}
    arguments = {"fault": options.fault, "kind": options.kind, "chain": options.chain, **form}
    address = options.socket or ("127.0.0.1", 0)
    manner = replace(MANNERS[options.manner], lifetime_s=options.lifetime)
    with GuestAgent(World(options.seed, options.now), address, legacy=options.legacy, manner=manner, arguments=arguments) as agent:
        say(event="listening", endpoint=agent.endpoint)
        for line in sys.stdin:
            command = json.loads(line)
            agent.manner = replace(MANNERS[command.get("manner", "normal")], lifetime_s=command.get("lifetime_s"))
            say(event="done", command=command, calls=len(agent.calls))


def run_postgres(options: argparse.Namespace) -> None:
    """Run a PostgreSQL until standard input ends."""
    minted = mint(options) if options.tls else None
    if minted is not None and options.out:
        minted.write(options.out)
    with cluster_of(options, minted) as cluster:
        say(event="listening", host="127.0.0.1", port=cluster.port, socket=str(cluster.socket_path), password=cluster.password,
            mr_td=minted.mr_td if minted else None)
        sys.stdin.read()


def cluster_of(options: argparse.Namespace, minted: Minted | None) -> Cluster:
    if minted is None:
        return Cluster(authentication=options.authentication)
    return TlsCluster(minted, direct=options.tls == "direct", authentication=options.authentication)


def run_report(options: argparse.Namespace) -> None:
    """Serve reports; commands change how: {"manner": …}, {"wal_lsn": …}."""
    world = World(options.seed, options.now)
    if options.out:
        world.mint().write(options.out)
    with ReportServer(world, manner=options.manner, encoding=options.encoding) as server:
        say(event="listening", url=server.url, now=world.now, compose_hash=world.guest.compose_hash)
        for line in sys.stdin:
            command = json.loads(line)
            server.manner = command.get("manner", server.manner)
            server.state = PostgresState(wal_lsn=command.get("wal_lsn", server.state.wal_lsn))
            say(event="done", command=command)


def obey(sidecar: Sidecar, world: World) -> None:
    """Carry out commands, one JSON object a line, to the end of standard input."""
    for line in sys.stdin:
        command = json.loads(line)
        if "behaviour" in command:
            sidecar.behaviour = BEHAVIOURS[command["behaviour"]]
        if "mint" in command:
            sidecar.present(world.mint(**command["mint"]))
        say(event="done", command=command)


def expect_signal() -> threading.Event:
    """An event that SIGINT and SIGTERM set from now on."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    return ended


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    if options.command == "mint":
        mint(options).write(options.out)
    elif options.command == "intel":
        return intel.run(options, options.now)
    elif options.command == "pccs":
        return pccs.run(options, options.now)
    elif options.command == "cluster":
        return cluster.run(options, say)
    elif options.command == "postgres":
        run_postgres(options)
    elif options.command == "report":
        run_report(options)
    elif options.command == "agent":
        run_agent(options)
    else:
        run_sidecar(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
