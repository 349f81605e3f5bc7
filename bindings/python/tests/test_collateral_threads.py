"""Threads that verify while the service that they depend on does whatever it likes: each verdict is right, or says that it could not
be checked."""
from __future__ import annotations

import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from ra_tls_verify import DcapVerifier, RaTlsError, UnavailableError
from simulator.pccs import FAULTS, Pccs
from simulator.pccs.service import SOUND, Fault
from simulator.world import World

THREADS = 8
VERIFICATIONS = 1000
#: After so many a thread takes a new verifier, which knows nothing yet.
LIFE = 40
#: Those that answer at once: what is slow is tested elsewhere.
QUICK = [fault for name, fault in FAULTS.items() if name not in ("sound", "silent", "slow", "declared-huge", "status-503", "status-429", "status-429-date")]
#: What a server with this fault is refused with.
EXPECTED = {None: None, "debug": "DEBUG_MODE", "out_of_date": "TCB_STATUS", "tampered_signature": "DCAP_QUOTE_SIGNATURE"}


class Unruly:
    """Three of four answers are sound."""

    def __init__(self) -> None:
        self.chance = random.Random(11)
        self.lock = threading.Lock()

    def __call__(self) -> Fault:
        with self.lock:
            return SOUND if self.chance.random() < 0.75 else self.chance.choice(QUICK)


def test_eight_threads_and_a_service_that_cannot_be_relied_on(tmp_path: Path) -> None:
    world = World("threads", int(time.time()))
    servers = {fault: world.mint(fault) for fault in EXPECTED}
    outcomes: Counter[str] = Counter()
    wrong: list[Any] = []
    lock = threading.Lock()

    def work(number: int, arguments: dict[str, Any]) -> None:
        chance = random.Random(number)
        for turn in range(VERIFICATIONS):
            if turn % LIFE == 0:
                verifier = DcapVerifier(**arguments, cache_dir=str(tmp_path / "shared") if chance.random() < 0.5 else "")
            fault = chance.choice(list(EXPECTED))
            try:
                found = None if verifier.verify_sync(servers[fault].quote).tcb_status == "OK" else "another verdict"
            except UnavailableError as error:
                found = "could not check" if error.stage in ("collateral", "options") else f"{error.code} in {error.stage}"
            except RaTlsError as error:
                found = error.code
            except BaseException as error:  # a thread that ends early would pass
                found = repr(error)
            with lock:
                outcomes[str(found)] += 1
                if found not in ("could not check", EXPECTED[fault]):
                    wrong.append((fault, found))

    with Pccs(world, identity=None) as pccs:
        pccs.service.random = Unruly()
        arguments = {"trust_anchor": servers[None].trust_anchor_pem.encode(), "pccs_url": pccs.url, "proxy": ""}
        threads = [threading.Thread(target=work, args=(number, arguments)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        requests = pccs.service.requests()
    assert wrong == []
    assert sum(outcomes.values()) == THREADS * VERIFICATIONS
    assert all(outcomes[str(code)] > 0 for code in EXPECTED.values()) and outcomes["could not check"] > 0, outcomes
    assert requests < THREADS * VERIFICATIONS
