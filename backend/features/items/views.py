"""The item bank's pages: admins read it, superadmins retire items. To students there is nothing here."""

from collections import Counter
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import EXCLUDE, ValidationError

from backend.core.actor import Role
from backend.core.errors import NotFound, RuleViolation
from backend.features.items import usecases
from backend.features.items.access import access_item
from backend.features.items.model import LEVELS, Item, ItemStatus
from backend.features.items.schemas import FilterQuery, StatusForm
from backend.features.items.types import ITEM_TYPES
from backend.features.items.usecases import ItemFilter, ListedItem
from backend.web.forms import FormInput, read_form
from backend.web.gates import current_actor, get_services, roles

pages = Blueprint("items", __name__)

PAGE_SIZE = 50
STATUS_TONES = {ItemStatus.ACTIVE: "green", ItemStatus.RETIRED: "muted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One screen of a list; `number` counts from 1."""

    number: int
    last: int
    rows: tuple[ListedItem, ...]


@pages.get("/items")
@roles(Role.SUPERADMIN, Role.CAMPUS)
def list_items() -> str:
    """The bank, filtered by the address's query."""
    services, actor = get_services(), current_actor()
    everything = usecases.list_items(actor=actor, wanted=ItemFilter(), items=services.items)
    wanted = _read_filter()
    found = [listed for listed in everything if wanted.matches(listed)] if wanted is not None else []
    return render_template(
        "items/list.html",
        wanted=wanted or ItemFilter(),
        page=_page(found),
        found=len(found),
        total=len(everything),
        by_task=Counter(listed.item.task for listed in everything if listed.item.status is ItemStatus.ACTIVE),
        pools=sorted({listed.current.pool for listed in everything}),
        offered=services.forms.list_published(),
        types=ITEM_TYPES,
        levels=LEVELS,
        tones=STATUS_TONES,
    )


@pages.get("/items/<item_id>")
@roles(Role.SUPERADMIN, Role.CAMPUS)
def show_item(item_id: str) -> str:
    return _item_page(_item(item_id), FormInput())


@pages.get("/items/<item_id>/sound/<int:number>")
@roles(Role.SUPERADMIN, Role.CAMPUS)
def play_sound(item_id: str, number: int) -> ResponseReturnValue:
    """Sends the browser to the sound, which the object store serves for a few minutes."""
    services = get_services()
    sound = usecases.get_item_sound(
        actor=current_actor(), item=_item(item_id), number=number, items=services.items, forms=services.forms
    )
    return redirect(services.blobs.presign_get(sound.blob_key, now=services.now()))


@pages.post("/items/<item_id>/status")
@roles(Role.SUPERADMIN)
def change_status(item_id: str) -> ResponseReturnValue:
    services, item, form = get_services(), _item(item_id), read_form(StatusForm)
    if not form.is_valid:
        return _item_page(item, form), 422
    try:
        changed = usecases.change_status(
            actor=current_actor(),
            item=item,
            status=ItemStatus(str(form.values["status"])),
            reason=str(form.values["reason"]),
            items=services.items,
            audit_log=services.audit_log,
            now=services.now(),
            new_id=services.new_id,
        )
    except RuleViolation as refusal:
        errors = {name: list(texts) for name, texts in refusal.errors.items()}
        return _item_page(item, FormInput(raw=form.raw, errors=errors)), 422
    flash("The item is retired." if changed.status is ItemStatus.RETIRED else "The item is active again.", "success")
    return redirect(url_for("items.show_item", item_id=item.id))


@pages.get("/items/forms/<form_id>")
@roles(Role.SUPERADMIN, Role.CAMPUS)
def show_form(form_id: str) -> str:
    """A frozen form, item by item, as candidates meet it."""
    services = get_services()
    form = usecases.get_form(form_id=form_id, forms=services.forms)
    headlines = usecases.list_headlines(actor=current_actor(), form=form, items=services.items)
    return render_template("items/form.html", form=form, headlines=headlines, types=ITEM_TYPES)


@pages.get("/items/forms/<form_id>/paper")
@roles(Role.SUPERADMIN, Role.CAMPUS)
def show_paper(form_id: str) -> str:
    """What the form's candidates see, to be printed: with room to write, without a key."""
    services = get_services()
    form = usecases.get_paper(actor=current_actor(), form_id=form_id, forms=services.forms)
    return render_template("items/paper.html", form=form)


def _item(item_id: str) -> Item:
    return access_item(current_actor(), item_id, items=get_services().items)


def _read_filter() -> ItemFilter | None:
    """None when the address asks for something that does not exist."""
    try:
        return ItemFilter(**FilterQuery(unknown=EXCLUDE).load(request.args))
    except ValidationError:
        return None


def _page(found: list[ListedItem]) -> Page:
    last = max(1, -(-len(found) // PAGE_SIZE))
    number = min(max(request.args.get("page", 1, type=int), 1), last)
    return Page(number=number, last=last, rows=tuple(found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]))


def _item_page(item: Item, form: FormInput) -> str:
    services = get_services()
    detail = usecases.get_item_detail(actor=current_actor(), item=item, items=services.items, forms=services.forms)
    if detail.key is None:
        raise NotFound()
    return render_template(
        "items/show.html",
        detail=detail,
        item=item,
        current=detail.listed.current,
        answer_key=detail.key.content,
        type=ITEM_TYPES[item.task],
        form=form,
        tones=STATUS_TONES,
    )


BLUEPRINTS = (pages,)
