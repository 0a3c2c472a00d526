"""A campus: the tenant. Whatever belongs to it carries its id."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

from backend.core.errors import Conflict
from backend.features.accounts.model import check_name, invalid

DEFAULT_TIME_ZONE = "Asia/Kolkata"
SLUG_MAX = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Campus:
    """`slug` is unique, in students' logins, and never changes. `time_zone` is an IANA name.

    While it is closed nobody of it signs in and nothing is scheduled; everything that it has is kept.
    """

    id: str
    name: str
    slug: str
    time_zone: str
    created_at: datetime
    closed_at: datetime | None = None

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None


def check_open(campus: Campus) -> None:
    if campus.is_closed:
        raise Conflict("campus_closed", "This campus is closed. A superadmin can reopen it.")


@cache
def time_zones() -> tuple[str, ...]:
    """The zones that a campus may choose: places, in the order of the alphabet."""
    return tuple(
        sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix")))
    )


def check_time_zone(name: str) -> str:
    if name not in time_zones():
        raise invalid("time_zone", "Choose a time zone from the list.")
    return name


def check_slug(text: str) -> str:
    """Lower-case letters, digits and hyphens, 2 to 30 of them."""
    slug = text.strip().lower()
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])", slug):
        raise invalid("slug", f"2 to {SLUG_MAX} letters (a-z), digits and hyphens, such as north.")
    return slug


def check_campus_name(name: str) -> str:
    return check_name(name)


def suggest_slug(name: str) -> str:
    """From a name: "North College of Arts" -> "north-college-of-arts"; may be empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_MAX].strip("-")
