"""The whole short form, sat as a candidate: no reply ever carries a key, what will be heard, or a later sentence."""

import re

import pytest

from backend.features.attempts.papers import PapersFromForms
from backend.features.items.memory import MemoryForms
from tests.support.bank import furnish_items, published_forms
from tests.support.exam import LATER, make_delivery
from tests.support.people import World, build_world

FORMAT = "versant_style_short"


@pytest.fixture
def world() -> World:
    forms = MemoryForms()
    world = build_world(forms=forms, papers=PapersFromForms(forms))
    furnish_items(world.services)
    form = published_forms(forms, FORMAT)[0]
    world.services.deliveries.add(make_delivery(batch_id="north-a", format_id=FORMAT, form_ids=(form.id,)))
    return world


def heard_and_keys(world, form):
    """Every text that a candidate may hear or find out, but never read."""
    secrets = {}
    for item in form.items:
        version = world.services.items.find_version(item.item_id, item.item_version)
        key = world.services.items.find_key(item.item_id, item.item_version).content
        texts = [*version.heard, *key.get("accepted", ()), item.item_id]
        texts += [point["text"] for point in key.get("key_points", ())]
        # One word, such as "two", may stand in any instruction.
        secrets[item.position] = [text for text in texts if len(text.split()) > 2 or text == item.item_id]
    return secrets


def move(browser, path, kind, position):
    return browser.post(f"{path}/moves", json={"moves": [{"kind": kind, "position": position, "at": LATER}]})


def test_no_reply_gives_an_item_away(world):
    browser = world.browser("asha")
    form = published_forms(world.services.forms, FORMAT)[0]
    begun = browser.post("/api/deliveries/delivery/attempts", json={})
    assert begun.status_code == 200
    path = f"/api/attempts/{begun.json['id']}"
    replies = [begun.text, browser.post(f"{path}/begin", json={}).text]
    printed = {item.position: item.shown_text for item in form.items if item.shown_text}
    for item in form.items:
        opened = move(browser, path, "open", item.position)
        assert opened.status_code == 200, opened.json
        assert opened.json["item"]["text"] == printed.get(item.position)
        later = [text for position, text in printed.items() if position > item.position]
        assert not any(text in reply for text in later for reply in [*replies, opened.text])
        closed = move(browser, path, "close", item.position)
        assert closed.status_code == 200, closed.json
        replies += [opened.text, closed.text]
    said = "\n".join(replies)
    assert re.search(r'"position":\s*41', said), "the walk did not reach the end"
    leaks = [text for texts in heard_and_keys(world, form).values() for text in texts if text in said]
    assert leaks == []
