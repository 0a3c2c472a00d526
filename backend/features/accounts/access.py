"""The only way a view gets an account that is not its own."""

from backend.core.actor import Actor, Role
from backend.core.errors import NotFound
from backend.features.accounts.model import Account
from backend.features.accounts.repository import Accounts


def access_campus_admin(actor: Actor, account_id: str, *, accounts: Accounts) -> Account:
    """The account of a campus admin, for superadmins; anybody else hears NotFound."""
    account = accounts.find(account_id)
    if account is None or account.role is not Role.CAMPUS or not actor.is_superadmin:
        raise NotFound()
    return account


def access_invigilator(actor: Actor, account_id: str, *, accounts: Accounts) -> Account:
    """The account of an invigilator, for those who run its campus; anybody else hears NotFound."""
    account = accounts.find(account_id)
    if account is None or account.role is not Role.INVIGILATOR or not actor.may_administer(account.campus_id or ""):
        raise NotFound()
    return account


def access_own_account(actor: Actor, *, accounts: Accounts) -> Account:
    """The actor's own account; NotFound when it is gone."""
    account = accounts.find(actor.account_id)
    if account is None:
        raise NotFound()
    return account
