"""What was mailed, as the list of results needs it."""

from collections.abc import Mapping, Sequence

from backend.features.mailings.model import Dispatch, DispatchState
from backend.features.mailings.repository import Dispatches, Mailings
from backend.features.mailings.wording import reason_text
from backend.features.results.repository import MailingMark, MailMark, MailMarks

_ON_THE_WAY = frozenset({DispatchState.QUEUED, DispatchState.CLAIMED})


class MarksFromMailings(MailMarks):
    def __init__(self, mailings: Mailings, dispatches: Dispatches) -> None:
        self._mailings = mailings
        self._dispatches = dispatches

    def list_marks(self, delivery_id: str) -> Mapping[str, MailMark]:
        return {each.result_id: _mark(each) for each in self._dispatches.list_by_delivery(delivery_id)}

    def list_mailings(self, delivery_id: str) -> Sequence[MailingMark]:
        return [
            MailingMark(mailing_id=each.id, created_at=each.created_at, results=len(each.result_ids))
            for each in self._mailings.list_by_delivery(delivery_id)
        ]


def _mark(dispatch: Dispatch) -> MailMark:
    state = "waiting" if dispatch.state in _ON_THE_WAY else dispatch.state.value
    return MailMark(mailing_id=dispatch.mailing_id, state=state, reason=reason_text(dispatch.reason))
