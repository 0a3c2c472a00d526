"""Under which conditions a delivery may be sat: who the candidate is, in which browser, from which network. Pure.

Checked where a candidate enters, begins and moves on. Never at an upload: what was recorded under the conditions is
taken from anywhere (docs/adr/0097).
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network

from backend.core.errors import Conflict, RuleViolation

KEYS_MAX = 5
NETWORKS_MAX = 50
_KEY = re.compile(r"[0-9a-f]{64}")


class IdentityRule(StrEnum):
    """Whether somebody must have checked who the candidate is before the clock may start."""

    NONE = "none"
    BEFORE_START = "before_start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """`seb_config_keys`: hex keys of Safe Exam Browser configurations, any of which will do; none: any browser.
    `networks`: CIDR blocks, any of which will do; none: any address. `full_screen` is asked for, never required."""

    identity_check: IdentityRule = IdentityRule.NONE
    seb_config_keys: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    full_screen: bool = False

    @property
    def are_open(self) -> bool:
        """Whether nothing is asked for."""
        return self == NO_CONDITIONS


NO_CONDITIONS = Conditions()


def read_conditions(*, identity_check: str, seb_config_keys: str, networks: str, full_screen: bool) -> Conditions:
    """From a form: one key, one network a line. Every mistake by field in the RuleViolation's `errors`."""
    errors: dict[str, list[str]] = {}
    keys = [line.lower() for line in _lines(seb_config_keys)]
    if any(not _KEY.fullmatch(key) for key in keys):
        errors["seb_config_keys"] = ["A configuration key is 64 digits and letters a to f. One a line."]
    elif len(keys) > KEYS_MAX:
        errors["seb_config_keys"] = [f"At most {KEYS_MAX} keys."]
    blocks, wrong = _read_networks(_lines(networks))
    if wrong:
        errors["networks"] = [f"This is no network: {wrong[:60]}. Write for example 10.20.0.0/16, one a line."]
    elif len(blocks) > NETWORKS_MAX:
        errors["networks"] = [f"At most {NETWORKS_MAX} networks."]
    if identity_check not in tuple(IdentityRule):
        errors["identity_check"] = ["Choose one of the two."]
    if errors:
        raise RuleViolation("invalid_input", "Some of the input needs another look.", errors=errors)
    return Conditions(
        identity_check=IdentityRule(identity_check),
        seb_config_keys=tuple(dict.fromkeys(keys)),
        networks=tuple(dict.fromkeys(blocks)),
        full_screen=full_screen,
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in re.split(r"[\n,;]", text) if line.strip()]


def _read_networks(lines: Sequence[str]) -> tuple[list[str], str]:
    """The blocks as they are written properly, and the first line that is none."""
    blocks: list[str] = []
    for line in lines:
        try:
            blocks.append(str(ip_network(line, strict=False)))
        except ValueError:
            return blocks, line
    return blocks, ""


def check_network(conditions: Conditions, *, address: str | None) -> None:
    """Refuses an address outside the allowed networks (`network_not_allowed`); an unreadable one is outside."""
    if conditions.networks and not _is_inside(conditions.networks, address):
        raise Conflict(
            "network_not_allowed",
            "This test can be taken only in your college's own network. Connect to it (not mobile data, not a VPN) "
            "and load this page again, or ask the invigilator.",
        )


def _is_inside(networks: Sequence[str], address: str | None) -> bool:
    try:
        ip = ip_address((address or "").split("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in ip_network(block) for block in networks)


def config_key_hash(url: str, config_key: str) -> str:
    """What Safe Exam Browser sends: hex SHA-256 of the absolute address, without fragment, and the key behind it."""
    return hashlib.sha256(f"{url.split('#')[0]}{config_key}".encode()).hexdigest()


def check_browser(conditions: Conditions, *, shown: Sequence[tuple[str, str]]) -> None:
    """Refuses unless one of the hashes shown fits (`seb_required`). `shown`: pairs of an address and the hash that the
    browser gave for it; several, because a proxy may hide the address that the browser sees."""
    if not conditions.seb_config_keys:
        return
    for url, digest in shown:
        for key in conditions.seb_config_keys:
            if hmac.compare_digest(config_key_hash(url, key).encode(), digest.strip().lower().encode()):
                return
    raise Conflict(
        "seb_required",
        "This test runs in Safe Exam Browser only, with your college's settings for it. Close this page, open the "
        "settings file or link that your college gave you, and start the test there.",
    )
