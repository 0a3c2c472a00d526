"""Who may call a route. Every route says it with `@roles(...)` or `@public`; one that says nothing is refused."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from flask import Flask, current_app, g, request

from backend.core.actor import Actor, Role
from backend.core.errors import NotAuthenticated, NotFound

if TYPE_CHECKING:
    from backend.wiring import Services

View = TypeVar("View", bound=Callable[..., object])

_ROLES = "viva_roles"
_FLASK_STATIC = "static"


def roles(*allowed: Role) -> Callable[[View], View]:
    """Only these roles reach the view. Another role is told that there is nothing here."""

    def mark(view: View) -> View:
        setattr(view, _ROLES, frozenset(allowed))
        return view

    return mark


def public(view: View) -> View:
    """Anybody may call the view, signed in or not."""
    setattr(view, _ROLES, None)
    return view


def is_declared(view: object) -> bool:
    return hasattr(view, _ROLES)


def declared_roles(view: object) -> frozenset[Role] | None:
    """The roles a view declares; None for a public one."""
    return cast("frozenset[Role] | None", getattr(view, _ROLES))


def find_actor() -> Actor | None:
    """Who is signed in, as `backend.web.auth` found out at the start of the request."""
    return cast("Actor | None", g.get("actor"))


def current_actor() -> Actor:
    """Who is signed in; raises NotAuthenticated."""
    actor = find_actor()
    if actor is None:
        raise NotAuthenticated()
    return actor


def get_services() -> "Services":
    """The repositories and ports this process was wired with."""
    return cast("Services", current_app.extensions["viva"])


def _check_route() -> None:
    if request.endpoint is None or request.endpoint == _FLASK_STATIC:
        return
    view = current_app.view_functions[request.endpoint]
    if not is_declared(view):
        raise NotFound()
    allowed = declared_roles(view)
    if allowed is not None and current_actor().role not in allowed:
        raise NotFound()


def init_gates(app: Flask) -> None:
    """Checks every request against its route's declared roles; runs after the actor was loaded."""
    app.before_request(_check_route)
