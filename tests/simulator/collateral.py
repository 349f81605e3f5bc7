"""The collateral bundle that a verifier reads from a file (DCAP rules 2.8)."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Union

from simulator import tcb
from simulator.pki import Pki, Role
from simulator.platform import Platform

#: A change to a JSON document: members to replace, or a function that edits it in place.
Edit = Union[Mapping[str, Any], Callable[[dict[str, Any]], None]]


@dataclass
class CollateralChanges:
    """What to do differently; the default is sound collateral."""

    tcb_info: Edit = field(default_factory=dict)  # before it is signed
    qe_identity: Edit = field(default_factory=dict)
    root_crl: Mapping[str, Any] = field(default_factory=dict)  # fields of x509.Crl, or `signer`
    pck_crl: Mapping[str, Any] = field(default_factory=dict)
    bundle: Edit = field(default_factory=dict)  # the finished bundle
    tcb_info_text: Callable[[str], str] | None = None  # the text to sign, after it is written
    qe_identity_text: Callable[[str], str] | None = None
    tcb_info_signer: str = "tcb_signer"  # label of the signing key
    qe_identity_signer: str = "tcb_signer"
    crl_ca: str | None = None  # platform or processor; the machine's own CA unless given


def edit(document: dict[str, Any], change: Edit) -> dict[str, Any]:
    """Apply a change in place; a member set to None is removed."""
    if callable(change):
        change(document)
        return document
    for key, value in change.items():
        if value is None:
            document.pop(key, None)
        else:
            document[key] = value
    return document


def bundle(pki: Pki, platform: Platform, tee: str, changes: CollateralChanges | None = None, pck: Role | None = None) -> dict[str, Any]:
    """Everything that it takes to verify quotes of machines like this one; `tee` is SGX or TDX.

    `pck` is the certificate that is meant where "pck" is revoked; that of `platform` unless given."""
    changes = changes or CollateralChanges()
    pck = pck or pki.pck(platform)
    ca = changes.crl_ca or platform.ca
    info = signed(pki, tcb.tcb_info(platform, tee, pki.now), changes.tcb_info, changes.tcb_info_text, changes.tcb_info_signer)
    identity = signed(pki, tcb.qe_identity(tee, pki.now), changes.qe_identity, changes.qe_identity_text, changes.qe_identity_signer)
    signers = pki.tcb_signer.pem + pki.root.pem
    document = {
        "pck_crl_issuer_chain": pki.pck_ca(ca).pem + pki.root.pem,
        "root_ca_crl": pki.root_crl(resolve(pki, changes.root_crl, pck)).hex(),
        "pck_crl": pki.pck_crl(ca, resolve(pki, changes.pck_crl, pck)).hex(),
        "tcb_info_issuer_chain": signers, "tcb_info": info[0], "tcb_info_signature": info[1],
        "qe_identity_issuer_chain": signers, "qe_identity": identity[0], "qe_identity_signature": identity[1],
    }
    return edit(document, changes.bundle)


def signed(pki: Pki, document: dict[str, Any], change: Edit, rewrite: Callable[[str], str] | None, signer: str) -> tuple[str, str]:
    """The text of a document and its signature, 128 hex digits."""
    text = tcb.compact(edit(document, change))
    if rewrite is not None:
        text = rewrite(text)
    key = pki.tcb_signer.key if signer == "tcb_signer" else pki.seed.key(signer)
    return text, key.sign_raw(text.encode()).hex()


def resolve(pki: Pki, changes: Mapping[str, Any], pck: Role) -> dict[str, Any]:
    """Replace roles among the revoked (root, tcb_signer, platform_ca, processor_ca, pck) by their serials."""
    changes = dict(changes)
    if "revoked" in changes:
        changes["revoked"] = [role_of(pki, item, pck).fields.serial if isinstance(item, str) else item for item in changes["revoked"]]
    return changes


def role_of(pki: Pki, label: str, pck: Role) -> Role:
    if label.endswith("_ca"):
        return pki.pck_ca(label.removesuffix("_ca"))
    return {"root": pki.root, "tcb_signer": pki.tcb_signer, "pck": pck}[label]
