"""Login cards as a PDF, through the port `Typesetter`."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

from backend.core.ports import Typesetter
from backend.features.accounts.model import LIFETIMES, CodePurpose
from backend.features.students.usecases import LoginCard

TEMPLATE = "login_cards"


def render_login_cards(
    cards: Sequence[LoginCard],
    *,
    campus_name: str,
    batch_name: str,
    address: str,
    time_zone: str,
    typesetter: Typesetter,
    now: datetime,
) -> bytes:
    """A4 pages of ten cards to cut out."""
    until = (now + LIFETIMES[CodePurpose.LOGIN_CARD]).astimezone(ZoneInfo(time_zone))
    data = {
        "campus": campus_name,
        "batch": batch_name,
        "address": address.removeprefix("https://").removeprefix("http://"),
        "until": f"{until:%d %B %Y}",
        "cards": [asdict(card) for card in cards],
    }
    return typesetter.render(TEMPLATE, data, made_at=now)
