"""The only way a view gets a mailing or a dispatch."""

from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.features.mailings.model import Dispatch, Mailing
from backend.features.mailings.repository import Dispatches, Mailings


def access_mailing(actor: Actor, mailing_id: str, *, mailings: Mailings) -> Mailing:
    """The mailing, for those who run its campus; anybody else hears NotFound."""
    mailing = mailings.find(mailing_id)
    if mailing is None or not actor.may_administer(mailing.campus_id):
        raise NotFound()
    return mailing


def access_dispatch(actor: Actor, dispatch_id: str, *, mailing_id: str, dispatches: Dispatches) -> Dispatch:
    """The dispatch of that mailing, for those who run its campus; anybody else hears NotFound."""
    dispatch = dispatches.find(dispatch_id)
    if dispatch is None or dispatch.mailing_id != mailing_id or not actor.may_administer(dispatch.campus_id):
        raise NotFound()
    return dispatch
