"""A world minted from a seed: Intel's PKI, a machine, a guest on it, a KMS, and the evidence they give."""
from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property
from typing import Any

from simulator import certificate, event_log, faults
from simulator.attestation import Attestation
from simulator.certificate import FORMS, Issuer, Kms
from simulator.collateral import CollateralChanges, bundle
from simulator.guest import Guest, default_guest
from simulator.keys import Seed
from simulator.minted import Minted
from simulator.pki import Pki, Role
from simulator.platform import Platform, healthy
from simulator.quote import KINDS, TEE_TDX, Kind, Quote, SignatureData
from simulator.recipe import Recipe
from simulator.tcb import QE_MR_SIGNER, QE_PRODUCT

DEFAULT_NOW = 1780315200  # 2026-06-01T12:00:00Z


class World:
    """Everything follows from `seed` and `now` (unix seconds): the same two give the same bytes."""

    def __init__(self, seed: str | bytes | int = "libratls", now: int = DEFAULT_NOW) -> None:
        self.seed = Seed(seed)
        self.now = now
        self.platform: Platform = healthy(self.seed)
        self.guest: Guest = default_guest(self.seed, Kms.root_key(self.seed).spki)

    @cached_property
    def pki(self) -> Pki:
        return Pki(self.seed, self.now)

    @cached_property
    def kms(self) -> Kms:
        return Kms(self.seed, self.now, self.guest.app_id)

    @property
    def trust_anchor_pem(self) -> str:
        """The root that stands for Intel's."""
        return self.pki.root.pem

    def collateral(self, tee: str = "TDX") -> str:
        """The sound collateral bundle for this world's machines, JSON; `tee` is TDX or SGX."""
        return json.dumps(bundle(self.pki, self.platform, tee))

    def mint(self, fault: str | None = None, **arguments: Any) -> Minted:
        """Evidence of a healthy server, or of one with a fault (`faults.FAULTS`), and whatever else is changed.

        The arguments are those of `Recipe`; they come on top of the fault's, mappings are merged. Raises
        ValueError for a fault that is not known, TypeError or KeyError for an argument that is not."""
        recipe = Recipe(**faults.merge(faults.arguments(fault), arguments))
        return Mint(self, recipe).mint(fault)


class Mint:
    """One run of a recipe."""

    def __init__(self, world: World, recipe: Recipe) -> None:
        self.world = world
        self.recipe = recipe
        self.seed = world.seed
        self.kind: Kind = KINDS[recipe.kind]
        self.pki = Pki(world.seed, world.now, recipe.pki) if recipe.pki else world.pki
        self.platform: Platform = replace(world.platform, **recipe.platform)
        self.guest: Guest = replace(world.guest, **recipe.guest)
        self.key = self.seed.key(recipe.certificate_key or recipe.label)

    def mint(self, fault: str | None) -> Minted:
        quote = self.quote(self.recipe.body)
        envelope = self.envelope(quote)
        issuer = self.issuer()
        leaf = self.leaf(envelope, quote, issuer)
        chain = [leaf] if issuer is None else [leaf, self.world.kms.app_ca.der, self.world.kms.root.der]
        return Minted(
            certificate_der=leaf, key_pem=self.key.pem, chain=tuple(chain), spki=self.key.spki, quote=quote, attestation=envelope,
            event_log=self.event_log, collateral_json=json.dumps(self.collateral()),
            trust_anchor_pem=self.world.trust_anchor_pem, kms_root_pem=self.world.kms.root.pem, now=self.world.now,
            guest=self.guest, fault=fault)

    @property
    def event_log(self) -> str:
        """The log in its JSON form."""
        return event_log.to_json(self.guest.events) if self.recipe.event_log is None else self.recipe.event_log

    def quote(self, body: Any) -> bytes:
        recipe = self.recipe
        pck = self.pck()
        fields = Quote(
            kind=self.kind, header={**self.header(), **recipe.header}, body={**self.body(), **body},
            qe_report={**self.qe_report(), **recipe.qe_report}, signature=SignatureData(**recipe.signature), **recipe.quote)
        signer = pck.key if recipe.pck_signing_key is None else self.seed.key(recipe.pck_signing_key)
        chain = recipe.pck_chain
        if chain is None:
            chain = (pck.pem + self.pki.pck_ca(self.platform.ca).pem + self.pki.root.pem).encode() + b"\0"
        built = fields.build(self.seed.key(recipe.attestation_key), signer, chain)
        return recipe.tamper_quote(built) if recipe.tamper_quote else built

    def pck(self) -> Role:
        """The PCK certificate of this machine."""
        return self.pki.pck(self.platform, replace(self.platform.sgx_extension(), **self.recipe.sgx).extension())

    def header(self) -> dict[str, bytes | int]:
        user_data = self.platform.qe_id + bytes(4)
        if self.kind.version == 3:
            return {"user_data": user_data, "reserved_1": self.platform.qe_svn, "reserved_2": self.platform.pce_svn}
        return {"user_data": user_data}

    def body(self) -> dict[str, bytes | int]:
        """The report that the guest or the enclave asked for, bound to the key."""
        report_data = self.recipe.report_data
        if report_data is None:
            bound = self.key if self.recipe.bound_key is None else self.seed.key(self.recipe.bound_key)
            report_data = certificate.bind(bound.spki)
        if self.kind.tee != TEE_TDX:
            return {**self.enclave_report(), "report_data": report_data}
        now_running = self.platform.tee_tcb_svn if self.platform.tee_tcb_svn_2 is None else self.platform.tee_tcb_svn_2
        extra: dict[str, bytes | int] = {"tee_tcb_svn_2": now_running} if "tee_tcb_svn_2" in self.kind.layout else {}
        return {**self.guest.td_report(), "tee_tcb_svn": self.platform.tee_tcb_svn, **extra, "report_data": report_data}

    def enclave_report(self) -> dict[str, bytes | int]:
        """An application enclave: initialised, 64-bit, not debuggable."""
        return {"cpu_svn": self.platform.components, "attributes": bytes.fromhex("0500000000000000e700000000000000"),
                "mr_enclave": self.seed.derive("mr-enclave", 32), "mr_signer": self.seed.derive("mr-signer", 32),
                "isv_prod_id": 1, "isv_svn": 1}

    def qe_report(self) -> dict[str, bytes | int]:
        """Intel's quoting enclave for this TEE."""
        return {"cpu_svn": self.platform.components, "attributes": bytes.fromhex("1500000000000000e700000000000000"),
                "mr_enclave": self.seed.derive("qe-mr-enclave", 32), "mr_signer": QE_MR_SIGNER,
                "isv_prod_id": QE_PRODUCT[self.tee], "isv_svn": self.platform.qe_svn}

    @property
    def tee(self) -> str:
        return "TDX" if self.kind.tee == TEE_TDX else "SGX"

    def envelope(self, quote: bytes) -> Attestation:
        """The attestation that the guest agent makes of the quote."""
        fields: dict[str, Any] = {"quote": quote + self.recipe.trailing, "report_data": self.body()["report_data"],
                                  "events": list(self.guest.events), "config": self.guest.config}
        return Attestation(**{**fields, **self.recipe.attestation})

    def issuer(self) -> Issuer | None:
        issuers = {"kms": self.world.kms.app_ca, "self-signed": None}
        return issuers[self.recipe.chain]

    def leaf(self, envelope: Attestation, quote: bytes, issuer: Issuer | None) -> bytes:
        recipe = self.recipe
        extensions = recipe.extensions
        if extensions is None:
            other = self.quote({**recipe.body, "report_data": self.seed.derive("other-report-data", 64)})
            evidence = certificate.Evidence(
                envelope, quote + recipe.trailing, other + recipe.trailing, self.event_log)
            extensions = tuple(FORMS[recipe.form](evidence))
        return certificate.leaf(
            self.key, extensions, issuer, seed=self.seed, now=self.world.now, app_id=self.guest.app_id, subject=recipe.subject,
            alternative_names=recipe.alternative_names, changes=recipe.certificate)

    def collateral(self) -> dict[str, Any]:
        """Collateral for the world's machines, whatever state this one is in."""
        platform = replace(self.world.platform, ca=self.platform.ca)
        return bundle(self.pki, platform, self.tee, CollateralChanges(**self.recipe.collateral), self.pck())
