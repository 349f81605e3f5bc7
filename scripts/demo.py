"""The demo: a real PostgreSQL behind simulated evidence, the documented snippet, and the documented refusals."""
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_ratls import attestation, connect
from ra_tls_verify import DcapVerifier, RaTlsError, VerifyOptions, VerifyResult
from simulator.agent import GuestAgent
from simulator.client_check import ClientCheck
from simulator.guest import other_application
from simulator.intel import TrustAuthority
from simulator.minted import Minted
from simulator.pccs import Pccs
from simulator.postgres import Cluster
from simulator.sidecar import Behaviour, Sidecar
from simulator.world import World
from snippet import run_snippet

ROOT = Path(__file__).resolve().parent.parent
#: The same program in each language: its source and how it is run.
QUICKSTARTS = (
    (ROOT / "clients/python/examples/quickstart.py", [sys.executable, ROOT / "clients/python/examples/quickstart.py"]),
    (ROOT / "clients/node/examples/quickstart.mjs", ["node", ROOT / "clients/node/examples/quickstart.mjs"]),
    (ROOT / "clients/rust/postgres-ratls/examples/quickstart.rs", [ROOT / "build/rust/debug/examples/quickstart"]),
)
#: Title, fault of the evidence, behaviour of the server.
REFUSALS = (
    ("no quote in the certificate", "no_quote", Behaviour()),
    ("the TD is in debug mode", "debug", Behaviour()),
    ("the platform's TCB is out of date", "out_of_date", Behaviour()),
    ("another MRTD than the one approved", "other_mrtd", Behaviour()),
    ("a genuine quote, copied: it binds another key", "other_key", Behaviour()),
    ("a server that never answers the handshake", None, Behaviour(handshake="silent")),
)


def heading(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def prepare_database(cluster: Cluster) -> None:
    with psycopg.connect(cluster.dsn()) as conn:
        conn.execute("create table orders (id int primary key, total numeric(10, 2))")
        conn.execute("insert into orders values (1, 19.90), (2, 5.00), (3, 120.45)")


def attested_dsn(cluster: Cluster, sidecar: Sidecar) -> str:
    """As a URL, which every driver reads."""
    named = conninfo_to_dict(cluster.dsn(port=sidecar.port))
    return f"postgresql://{named['user']}:{quote(str(named['password']), safe='')}@{named['host']}:{named['port']}/{named['dbname']}"


def show_verdict(result: VerifyResult, milliseconds: float) -> None:
    lines: Iterator[tuple[str, object]] = iter((
        ("verified", result.verified), ("by", f"{result.verifier}, trust anchor {result.trust_anchor}"), ("MRTD", result.mr_td),
        ("TCB status", result.tcb_status), ("advisories", ", ".join(result.advisory_ids or ()) or "none"),
        ("key bound", result.key_bound), ("collateral until", result.collateral_expires_at), ("took", f"{milliseconds:.0f} ms with the connection"),
    ))
    for name, value in lines:
        print(f"  {name:<17}{value}")


def run_snippets(dsn: str, minted: Minted, files: Path) -> None:
    """The documented program, in each language. Python's is shown: the others read the same."""
    for source, command in QUICKSTARTS:
        heading(f"The documented snippet ({source.relative_to(ROOT)})")
        if source.suffix == ".py":
            print(source.read_text().split('"""', 2)[2].strip(), "\n", sep="", flush=True)
        subprocess.run([*command, dsn, files / "collateral.json", minted.mr_td, files / "root.pem"], check=True)


def run_verdict(dsn: str, verifier: DcapVerifier, options: VerifyOptions) -> None:
    heading("The verdict under that connection")
    start = time.monotonic()
    with connect(dsn, verifier=verifier, options=options) as conn:
        show_verdict(attestation(conn), (time.monotonic() - start) * 1000)


def run_fetched_collateral(world: World, dsn: str, minted: Minted, files: Path) -> None:
    heading("Collateral fetched from a PCCS, once, and kept on disk")
    with Pccs(world) as pccs:
        for title in ("nothing kept yet", "another process's verifier, the same directory"):
            before = pccs.service.requests()
            verifier = DcapVerifier(
                pccs_url=pccs.url, ca_file=pccs.ca_file, trust_anchor=minted.trust_anchor_pem.encode(), cache_dir=files / "collateral-cache")
            with connect(dsn, verifier=verifier, options=VerifyOptions(allowed_mr_td=[minted.mr_td])) as conn:
                status = attestation(conn).tcb_status
            print(f"  {title + ':':<48}{pccs.service.requests() - before} requests, {status}", flush=True)


def run_mutual(world: World, cluster: Cluster, minted: Minted, files: Path, options: VerifyOptions) -> None:
    heading("A server that demands and verifies this client's own attestation")
    verifier = DcapVerifier(collateral=files / "collateral.json", trust_anchor=files / "root.pem")
    with GuestAgent(world, files / "dstack.sock") as agent, ClientCheck(minted) as check, Sidecar(
            minted, ("127.0.0.1", cluster.port), client_ca=minted.kms_root_pem, client_certificate="required", client_check=check) as sidecar:
        with connect(attested_dsn(cluster, sidecar), verifier=verifier, options=options, client_attestation=True, dstack_socket=agent.address) as conn:
            row = conn.execute("select count(*) as orders from orders").fetchone()
        print(f"  the guest agent gave a certificate with a quote, the server verified it, the database answered {row}")
        try:
            connect(attested_dsn(cluster, sidecar), verifier=verifier, options=options, client_attestation=False).close()
        except RaTlsError as error:
            print(f"  without it: {error.code}: {error}", flush=True)


def run_impostors(world: World, cluster: Cluster, minted: Minted, verifier: DcapVerifier) -> int:
    heading("Two impostors on the right firmware: what an MRTD alone lets in, and pins of the application do not")
    firmware = VerifyOptions(allowed_mr_td=[minted.mr_td])
    with Sidecar(minted, ("127.0.0.1", cluster.port)) as sidecar, connect(attested_dsn(cluster, sidecar), verifier=verifier, options=firmware) as conn:
        genuine = attestation(conn)
    registers = {name: getattr(genuine, name) for name in ("mr_td", "rtmr0", "rtmr1", "rtmr2")}
    application = VerifyOptions(pins={**registers, "compose_hash": genuine.compose_hash})
    accepted = 0
    for title, impostor in (("another application, on the same firmware and kernel", world.mint(guest=other_application(minted.guest))),
                            ("another kernel, that replays the right application's event log", world.mint("other_kernel"))):
        print(f"* {title}")
        with Sidecar(impostor, ("127.0.0.1", cluster.port)) as sidecar:
            connect(attested_dsn(cluster, sidecar), verifier=verifier, options=firmware).close()
            print("  MRTD pinned:         accepted")
            try:
                connect(attested_dsn(cluster, sidecar), verifier=verifier, options=application).close()
            except RaTlsError as error:
                print(f"  application pinned:  {error.code}: {error}", flush=True)
            else:
                print("  application pinned:  ACCEPTED, which is a fault of this library", flush=True)
                accepted += 1
    return accepted


def run_trust_authority(dsn: str, minted: Minted) -> None:
    heading("The same database, appraised by Intel Trust Authority (a local stand-in for it)")
    with TrustAuthority() as authority:
        answer, result = run_snippet(dsn, minted.mr_td, authority.describe())
        print(f"  the database answered {answer}; verified by {result.verifier}: {result.tcb_status}, key bound {result.key_bound}")
        print(f"  appraisals asked for: {authority.appraisals}", flush=True)


def run_refusals(world: World, cluster: Cluster, verifier: DcapVerifier, options: VerifyOptions) -> int:
    heading("The documented refusals")
    accepted = 0
    for title, fault, behaviour in REFUSALS:
        with Sidecar(world.mint(fault), ("127.0.0.1", cluster.port), behaviour=behaviour) as sidecar:
            print(f"* {title}")
            try:
                connect(attested_dsn(cluster, sidecar), verifier=verifier, options=options).close()
            except RaTlsError as error:
                sent = sum(connection.application_bytes for connection in sidecar.connections)
                print(f"  {error.code}: {error}\n  bytes that reached the server: {sent}", flush=True)
                accepted += sent > 0
            else:
                print("  ACCEPTED, which is a fault of this library", flush=True)
                accepted += 1
    return accepted


def main() -> int:
    heading("Starting PostgreSQL and the simulated TDX server")
    world = World("demo", now=int(time.time()))
    minted = world.mint()
    with tempfile.TemporaryDirectory() as directory, Cluster() as cluster:
        files = Path(directory)
        minted.write(files)
        prepare_database(cluster)
        verifier = DcapVerifier(collateral=files / "collateral.json", trust_anchor=files / "root.pem")
        options = VerifyOptions(allowed_mr_td=[minted.mr_td])
        with Sidecar(minted, ("127.0.0.1", cluster.port)) as sidecar:
            dsn = attested_dsn(cluster, sidecar)
            run_snippets(dsn, minted, files)
            run_verdict(dsn, verifier, options)
            run_fetched_collateral(world, dsn, minted, files)
            run_trust_authority(dsn, minted)
        run_mutual(world, cluster, minted, files, options)
        faults = run_impostors(world, cluster, minted, verifier)
        faults += run_refusals(world, cluster, verifier, options)
    heading("Shut down" if faults == 0 else "FAILED")
    return 0 if faults == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
