"""Options that are mistakes, and their spellings that are not."""
from __future__ import annotations

from typing import Any

from casebook.book import HEALTHY, Book
from casebook.outcome import Verdict, rfc3339

HARDENING = Verdict(status="SWHardeningNeeded", platform="SWHardeningNeeded", date="2025-02-12", advisories=("INTEL-SA-00960",))


def write(book: Book) -> None:
    mr_td = book.sound.mr_td
    mistakes: dict[str, tuple[str, dict[str, Any], str]] = {
        "mr-td-empty-list": ("a list of MRTDs that is given and empty", {"allowed_mr_td": []}, "OPTION_EMPTY_LIST"),
        "mr-td-short": ("an MRTD of 95 digits", {"allowed_mr_td": [mr_td[:-1]]}, "OPTION_VALUE"),
        "mr-td-long": ("an MRTD of 98 digits", {"allowed_mr_td": [mr_td + "00"]}, "OPTION_VALUE"),
        "mr-td-not-hex": ("an MRTD with a letter that is no digit", {"allowed_mr_td": ["g" + mr_td[1:]]}, "OPTION_VALUE"),
        "mr-td-white-space": ("an MRTD with white space around it", {"allowed_mr_td": [f" {mr_td}"]}, "OPTION_VALUE"),
        "mr-td-prefix-only": ("an MRTD that is only 0x", {"allowed_mr_td": ["0x"]}, "OPTION_VALUE"),
        "mr-td-not-a-list": ("one MRTD where a list is expected", {"allowed_mr_td": mr_td}, "OPTION_TYPE"),
        "mr-td-number": ("a number among the MRTDs", {"allowed_mr_td": [1]}, "OPTION_TYPE"),
        "mr-td-second-bad": ("a sound MRTD and one that is not", {"allowed_mr_td": [mr_td, ""]}, "OPTION_VALUE"),
        "unknown": ("an option that does not exist", {"allowed_mrtd": [mr_td]}, "OPTION_UNKNOWN"),
        "case": ("an option in the wrong case", {"Allowed_Mr_Td": [mr_td]}, "OPTION_UNKNOWN"),
        "statuses-empty-list": ("a list of TCB statuses that is given and empty", {"acceptable_tcb_statuses": []}, "OPTION_EMPTY_LIST"),
        "statuses-unknown": ("a TCB status that does not exist", {"acceptable_tcb_statuses": ["OK", "Fine"]}, "OPTION_VALUE"),
        "statuses-case": ("a TCB status in the wrong case", {"acceptable_tcb_statuses": ["uptodate"]}, "OPTION_VALUE"),
        "statuses-revoked": ("Revoked is never acceptable", {"acceptable_tcb_statuses": ["OK", "Revoked"]}, "OPTION_VALUE"),
        "advisories-empty-list": ("a list of advisories that is given and empty", {"allowed_advisory_ids": []}, "OPTION_EMPTY_LIST"),
        "advisories-empty-id": ("an advisory without a name", {"allowed_advisory_ids": [""]}, "OPTION_VALUE"),
        "svn-short": ("a minimum TEE_TCB_SVN of 30 digits", {"min_tee_tcb_svn": "00" * 15}, "OPTION_VALUE"),
        "svn-empty": ("a minimum TEE_TCB_SVN of no digits", {"min_tee_tcb_svn": ""}, "OPTION_VALUE"),
        "number-negative": ("a negative evaluation number", {"min_tcb_evaluation_data_number": -1}, "OPTION_VALUE"),
        "number-fraction": ("an evaluation number that is not whole", {"min_tcb_evaluation_data_number": 1.5}, "OPTION_VALUE"),
        "number-text": ("an evaluation number as text", {"min_tcb_evaluation_data_number": "1"}, "OPTION_TYPE"),
        "flag-text": ("a flag as text", {"allow_debug_mode": "true"}, "OPTION_TYPE"),
        "flag-number": ("a flag as a number", {"allow_simulator": 1}, "OPTION_TYPE"),
        "flag-null": ("a flag that is null", {"allow_sept_ve": None}, "OPTION_TYPE"),
        "now-words": ("a time that is not RFC 3339", {"now": "yesterday"}, "OPTION_VALUE"),
        "now-no-such-day": ("a day that does not exist", {"now": "2026-02-30T00:00:00Z"}, "OPTION_VALUE"),
        "now-offset": ("a time with an offset", {"now": "2026-06-01T12:00:00+00:00"}, "OPTION_VALUE"),
        "now-negative": ("a time before 1970", {"now": -1}, "OPTION_VALUE"),
        "timeout-negative": ("a negative deadline", {"timeout_ms": -1}, "OPTION_VALUE"),
    }
    for name, (description, options, code) in mistakes.items():
        book.verify(f"options/{name}", description, book.sound, code, options=options)
    texts = {
        "json-duplicate-key": ("an option twice", '{"allow_debug_mode":false,"allow_debug_mode":true}', "OPTION_DUPLICATE"),
        "json-not-json": ("options that are not JSON", "allow_debug_mode", "POLICY_FORMAT"),
        "json-empty": ("options that are nothing", "", "POLICY_FORMAT"),
        "json-array": ("options that are a list", "[]", "POLICY_FORMAT"),
        "json-null": ("options that are null", "null", "POLICY_FORMAT"),
        "json-trailing": ("options with something after them", '{} {}', "POLICY_FORMAT"),
        "json-comma": ("options with a comma too many", '{"allow_debug_mode":true,}', "POLICY_FORMAT"),
        "json-deep": ("options nested forty deep", '{"pins":' + "[" * 40 + "]" * 40 + "}", "POLICY_FORMAT"),
        "json-number-leading-zero": ("a number with a leading zero", '{"timeout_ms":01}', "POLICY_FORMAT"),
    }
    for name, (description, text, code) in texts.items():
        book.verify(f"options/{name}", description, book.sound, code, options_text=text)
    write_spellings(book)
    write_statuses(book)
    write_minima(book)


def write_spellings(book: Book) -> None:
    """One policy in the ways that it may be written."""
    mr_td = book.sound.mr_td
    moment = book.now
    for name, options in {
        "mr-td-lower-case": {"allowed_mr_td": [mr_td]}, "mr-td-upper-case": {"allowed_mr_td": [mr_td.upper()]},
        "mr-td-0x": {"allowed_mr_td": [f"0x{mr_td}"]}, "mr-td-0x-upper-case": {"allowed_mr_td": [f"0X{mr_td.upper()}"]},
        "mr-td-alternatives": {"allowed_mr_td": ["ab" * 48, mr_td]}, "mr-td-twice": {"allowed_mr_td": [mr_td, mr_td]},
        "mr-td-as-pin": {"pins": {"mr_td": mr_td}},
        "now-seconds": {"now": moment}, "now-text": {"now": rfc3339(moment)},
        "defaults-spelled-out": {"allow_debug_mode": False, "allow_sept_ve": False, "allow_simulator": False, "allow_partial_pins": False,
                                 "min_tcb_evaluation_data_number": 0, "timeout_ms": 0, "cache_ttl_s": 0, "max_age_s": 0},
    }.items():
        book.verify(f"options/{name}", f"accepted: {name.replace('-', ' ')}", book.sound, book.accepted(book.sound), options=options)
    book.verify("options/mr-td-other", "an MRTD that is not listed", book.sound, ("MRTD_NOT_ALLOWED", HEALTHY), options={"allowed_mr_td": ["ab" * 48]})


def write_statuses(book: Book) -> None:
    minted = book.world.mint("sw_hardening_needed")
    for name, statuses, passes in (("default", None, True), ("ok-only", ["OK"], False), ("up-to-date-only", ["UpToDate"], False),
                                   ("listed", ["SWHardeningNeeded"], True)):
        expect = book.accepted(minted, HARDENING) if passes else ("TCB_STATUS", HARDENING)
        options = {} if statuses is None else {"acceptable_tcb_statuses": statuses}
        book.verify(f"options/status-hardening-{name}", f"SWHardeningNeeded under the statuses: {name}", minted, expect, options=options)
    for word in ("OK", "UpToDate"):
        book.verify(f"options/status-healthy-{word.lower()}", f"{word} names the best status", book.sound, book.accepted(book.sound),
                    options={"acceptable_tcb_statuses": [word]})
    book.verify("options/status-healthy-not-listed", "the best status is acceptable only where it is listed", book.sound, ("TCB_STATUS", HEALTHY),
                options={"acceptable_tcb_statuses": ["OutOfDate"]})
    book.verify("options/advisory-listed", "every advisory is listed", minted, book.accepted(minted, HARDENING),
                options={"allowed_advisory_ids": ["INTEL-SA-00001", "INTEL-SA-00960"]})
    book.verify("options/advisory-not-listed", "an advisory is not listed", minted, ("ADVISORY_NOT_ALLOWED", HARDENING),
                options={"allowed_advisory_ids": ["INTEL-SA-00001"]})
    book.verify("options/advisory-none", "no advisory, and a list", book.sound, book.accepted(book.sound),
                options={"allowed_advisory_ids": ["INTEL-SA-00001"]})


def write_minima(book: Book) -> None:
    enclave = book.world.mint(kind="sgx-v3")
    book.verify("options/svn-of-an-enclave", "a minimum TEE_TCB_SVN, and an enclave has none", enclave, ("TEE_TCB_SVN_TOO_LOW", Verdict(module=None)),
                options={"min_tee_tcb_svn": "00" * 16})
    for number, passes in ((19, True), (20, True), (21, False)):
        book.verify(f"options/evaluation-number-{number}", f"evaluation number 20 where {number} is the least", book.sound,
                    book.accepted(book.sound) if passes else ("TCB_EVALUATION_DATA_NUMBER", HEALTHY), options={"min_tcb_evaluation_data_number": number})
    svn = book.sound.field("tee_tcb_svn")
    higher_last = f"{int(svn, 16) + 1:032x}"
    for name, minimum, passes in (("equal", svn, True), ("zero", "00" * 16, True), ("first-higher", f"{int(svn[:2], 16) + 1:02x}{svn[2:]}", False),
                                  ("last-higher", higher_last, False), ("one-lower-one-higher", f"00{svn[2:30]}01", False)):
        book.verify(f"options/svn-{name}", f"TEE_TCB_SVN against a minimum: {name.replace('-', ' ')}", book.sound,
                    book.accepted(book.sound) if passes else ("TEE_TCB_SVN_TOO_LOW", HEALTHY), options={"min_tee_tcb_svn": minimum})
