"""Reading certificates and quotes without judgement."""
from __future__ import annotations

import pytest

from ra_tls_verify import RefusedError, UsageError, extract_tdx_quote, inspect_certificate, inspect_quote
from simulator.minted import Minted
from simulator.world import World


def test_the_quote_of_a_certificate(minted: Minted) -> None:
    assert extract_tdx_quote(minted.certificate_der) == minted.quote


@pytest.mark.parametrize("form", [
    lambda minted: minted.certificate_pem, lambda minted: minted.certificate_pem.encode(), lambda minted: minted.chain_pem,
    lambda minted: "subject: a line before\n" + minted.certificate_pem, lambda minted: bytearray(minted.certificate_der),
    lambda minted: memoryview(minted.certificate_der)])
def test_other_forms_of_the_certificate(minted: Minted, form: object) -> None:
    assert extract_tdx_quote(form(minted)) == minted.quote  # type: ignore[operator]


def test_a_certificate_without_an_extension_has_no_quote(world: World) -> None:
    assert extract_tdx_quote(world.mint("no_quote").certificate_der) is None


@pytest.mark.parametrize("junk", [
    b"", b"x", b"\x30", "text", b"-----BEGIN CERTIFICATE-----\nAA=A\n-----END CERTIFICATE-----", b"\x30\x80" + bytes(2000)])
def test_what_is_no_certificate_is_refused(junk: bytes | str) -> None:
    with pytest.raises(RefusedError) as caught:
        extract_tdx_quote(junk)
    assert caught.value.code == "EVIDENCE_CERTIFICATE_FORMAT"


def test_pem_inside_the_evidence_is_not_the_certificate(minted: Minted) -> None:
    assert b"-----BEGIN CERTIFICATE-----" in minted.certificate_der
    with pytest.raises(RefusedError) as caught:
        extract_tdx_quote(b"\x04" + minted.certificate_der[1:])
    assert caught.value.code == "EVIDENCE_CERTIFICATE_FORMAT"


@pytest.mark.parametrize("wrong", [None, 5, ["a"], {}])
def test_what_is_no_bytes_is_a_usage_error(wrong: object) -> None:
    for function in (extract_tdx_quote, inspect_certificate, inspect_quote):
        with pytest.raises(UsageError, match="expected bytes") as caught:
            function(wrong)  # type: ignore[operator]
        assert caught.value.code == "ARGUMENT_INVALID"


def test_every_field_of_a_quote(minted: Minted) -> None:
    fields = inspect_quote(minted.quote)
    assert (fields["kind"], fields["quote_version"], fields["tee"]) == ("tdx-v4", 4, "tdx")
    for name in ("mr_td", "rtmr0", "rtmr3", "report_data", "td_attributes"):
        assert fields[name] == minted.field(name)
    assert fields["mr_enclave"] is None
    assert inspect_quote(minted.quote + b"\0\0")["trailing_bytes"] == 2


@pytest.mark.parametrize("length", [0, 1, 47, 48, 631])
def test_a_cut_quote_is_refused(minted: Minted, length: int) -> None:
    with pytest.raises(RefusedError) as caught:
        inspect_quote(minted.quote[:length])
    assert caught.value.stage == "evidence"


def test_every_field_of_a_certificate(world: World, minted: Minted) -> None:
    fields = inspect_certificate(minted.certificate_pem)
    assert fields["mr_td"] == minted.mr_td and "event_log" in fields
    assert set(inspect_certificate(world.mint("no_quote").certificate_der).values()) == {None}
