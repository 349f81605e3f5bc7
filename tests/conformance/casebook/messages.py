"""The documented failures, with their whole message in each language's spelling."""
from __future__ import annotations

from typing import Any

from casebook.book import HEALTHY, Book
from casebook.outcome import Verdict

LANGUAGES = ("c", "python", "typescript", "rust")


def write(book: Book) -> None:
    said(book, "quote-missing", "no_quote", "QUOTE_MISSING",
         "upstream cert has no TDX attestation extension; set {} for non-TEE targets", switched_on("allow_simulator", "allowSimulator"))
    said(book, "debug-mode", "debug", ("DEBUG_MODE", HEALTHY),
         "TDX TD is in debug mode — connection refused. Debug TDs have no confidentiality guarantees. Set {} to override "
         "(not recommended for production).", switched_on("allow_debug_mode", "allowDebugMode"))
    said(book, "tcb-status", "out_of_date", ("TCB_STATUS", Verdict(status="OutOfDate", platform="OutOfDate", date="2024-03-13",
                                                                   advisories=("INTEL-SA-00837", "INTEL-SA-00960"))),
         'Unacceptable TCB status: "OutOfDate". Acceptable statuses: OK, SWHardeningNeeded. Update the platform firmware/microcode or '
         "check Intel's advisory.")
    mr_td = book.sound.mr_td
    said(book, "mrtd-not-allowed", None, ("MRTD_NOT_ALLOWED", HEALTHY),
         f'MRTD "{mr_td[:10]}…{mr_td[-4:]}" is not in the allowlist. Update {{}} if you intentionally upgraded the CVM image.',
         dict(zip(LANGUAGES, ("allowed_mr_td", "allowed_mr_td", "allowedMrTd", "allowed_mrtds"))), options={"allowed_mr_td": ["ab" * 48]})
    said(book, "key-binding", "other_key", ("KEY_BINDING", HEALTHY), "quote report_data does not bind the TLS certificate's public key")
    said(book, "sept-ve", "sept_ve_clear", ("TD_SEPT_VE", HEALTHY),
         "TD attributes 0000000000000000 have SEPT_VE_DISABLE clear: expected it set. Set {} to accept such TDs.",
         switched_on("allow_sept_ve", "allowSeptVe"))
    said(book, "empty-list", None, "OPTION_EMPTY_LIST", "{} is given but empty: leave it out to accept any value, or list at least one",
         dict(zip(LANGUAGES, ("acceptable_tcb_statuses", "acceptable_tcb_statuses", "acceptableTcbStatuses", "acceptable_tcb_statuses"))),
         options={"acceptable_tcb_statuses": []})


def switched_on(snake: str, camel: str) -> dict[str, str]:
    return {"c": f"{snake}=1", "python": f"{snake}=True", "typescript": f"{camel}: true", "rust": f"{snake}: true"}


def said(book: Book, name: str, fault: str | None, expect: Any, template: str, spelled: dict[str, str] | None = None,
         options: dict[str, Any] | None = None) -> None:
    """`template` has one {} where the option is named, `spelled` how each language names it."""
    case = f"messages/{name}"
    book.verify(case, f"what a caller reads: {name.replace('-', ' ')}", book.world.mint(fault), expect, bound=True, options=options)
    book.says(case, **{language: template.format((spelled or {}).get(language, "")) for language in LANGUAGES})
