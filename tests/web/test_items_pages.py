"""The item bank's pages: found, read, heard and retired by those who may; nothing there for students."""

import re
from html import unescape

import pytest

from backend.features.items.types import ITEM_TYPES
from tests.support.bank import fill_bank, furnish_items, published_forms, reading_format, real_bank
from tests.support.people import World, build_world

BANK = {item.id: item for item in real_bank()}
REPEAT = "repeat-library-closes-six"


@pytest.fixture
def world() -> World:
    world = build_world()
    furnish_items(world.services)
    return world


def text_of(reply) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", reply.text)).split())


def of(task):
    return next(item for item in BANK.values() if item.task == task)


@pytest.mark.parametrize("name", ["meera", "omar", "sushma"])
def test_admins_see_the_bank_and_the_published_tests(world, name):
    reply = world.browser(name).get("/items")
    assert reply.status_code == 200
    shown = text_of(reply)
    assert f"of {len(BANK)} items" in shown
    assert "Versant-style speaking test, full form" in shown
    assert "Page 1 of" in shown


def test_the_list_goes_on_where_the_page_ended(world):
    browser = world.browser("meera")
    first = set(re.findall(r'href="/items/([a-z0-9-]+)"', browser.get("/items").text))
    second = set(re.findall(r'href="/items/([a-z0-9-]+)"', browser.get("/items?page=2").text))
    assert len(first) == len(second) == 50
    assert not first & second
    assert browser.get("/items?page=999").status_code == 200


@pytest.mark.parametrize(
    ("query", "there", "absent"),
    [
        ("task=repeat&text=library", REPEAT, "read-library-closed-two-weeks"),
        ("task=retelling&pool=short", "story-bicycle-race", "story-lost-wallet"),
        ("text=LIBRARY+six", REPEAT, "answer-where-go-borrow-books"),
    ],
)
def test_the_list_is_filtered(world, query, there, absent):
    reply = world.browser("meera").get(f"/items?{query}")
    assert f'href="/items/{there}"' in reply.text
    assert f'href="/items/{absent}"' not in reply.text


@pytest.mark.parametrize("query", ["text=zebra+crossing", "task=telepathy", "level=Z9", "status=lost"])
def test_nothing_matches_says_so_and_shows_the_way_back(world, query):
    shown = text_of(world.browser("meera").get(f"/items?{query}"))
    assert "Nothing matches" in shown
    assert "Show all items" in shown


def test_an_empty_bank_says_what_to_do():
    assert "No items yet" in text_of(build_world().browser("meera").get("/items"))


@pytest.mark.parametrize(
    "task", ["read_aloud", "repeat", "short_answer", "sentence_build", "retelling", "open_question"]
)
def test_an_item_shows_text_key_and_sound(world, task):
    item = of(task)
    reply = world.browser("meera").get(f"/items/{item.id}")
    shown = text_of(reply)
    assert item.body.headline.split(".")[0] in shown
    for answer in item.body.answer_key.get("accepted", ()):
        assert answer in shown
    for point in item.body.answer_key.get("key_points", ()):
        assert point["text"] in shown
        assert point["accepted"][0] in shown
    assert "<audio" in reply.text


def test_the_sound_comes_from_the_store_by_a_short_lived_address(world):
    reply = world.browser("meera").get(f"/items/{REPEAT}/sound/0")
    assert reply.status_code == 302
    used = [
        item.prompt_blob_key
        for form in published_forms(world.services.forms, "versant_style_short")
        for item in form.items
        if item.item_id == REPEAT
    ]
    assert used[0] in reply.location
    assert world.browser("meera").get(f"/items/{REPEAT}/sound/7").status_code == 404


def test_an_item_names_its_forms_and_a_form_its_items(world):
    browser = world.browser("meera")
    (form_id,) = set(re.findall(r'href="/items/forms/([^"]+)"', browser.get(f"/items/{REPEAT}").text))
    page = browser.get(f"/items/forms/{form_id}")
    assert f'href="/items/{REPEAT}"' in page.text
    shown = text_of(page)
    assert "Part A: Reading" in shown
    assert "Part F: Open question" in shown


def test_a_form_on_paper_shows_what_is_seen_and_nothing_of_what_is_heard(world):
    (form, *_) = published_forms(world.services.forms, "versant_style_short")
    shown = text_of(world.browser("meera").get(f"/items/forms/{form.id}/paper"))
    read = next(item for item in form.items if item.task == "read_aloud")
    assert read.shown_text in shown
    heard = next(item for item in form.items if item.task == "repeat")
    assert BANK[heard.item_id].body.headline not in shown
    assert "heard and answered aloud" in shown
    assert world.browser("asha").get(f"/items/forms/{form.id}/paper").status_code == 404
    assert world.browser("meera").get("/items/forms/nosuchthing/paper").status_code == 404


def test_a_forms_page_tells_the_time_limit_of_a_part():
    world = build_world()
    services = world.services
    fill_bank(
        items=services.items,
        sounds=services.prompt_sounds,
        forms=services.forms,
        blobs=services.blobs,
        formats=[reading_format()],
    )
    (form,) = published_forms(services.forms, "reading")
    shown = text_of(world.browser("meera").get(f"/items/forms/{form.id}"))
    assert "One time limit for the part: 4 min." in shown
    assert shown.count("the part’s") == 6
    on_paper = text_of(world.browser("meera").get(f"/items/forms/{form.id}/paper"))
    assert "You have 4 min for all questions of this part." in on_paper


def test_a_superadmin_retires_an_item_and_uses_it_again(world):
    browser = world.browser("sushma")
    reply = browser.post(f"/items/{REPEAT}/status", data={"status": "retired", "reason": "Two readings"})
    assert reply.status_code == 302
    shown = text_of(browser.get(f"/items/{REPEAT}"))
    assert "Two readings" in shown
    assert "Use again" in shown
    assert f'href="/items/{REPEAT}"' in browser.get("/items?status=retired").text
    browser.post(f"/items/{REPEAT}/status", data={"status": "active"})
    assert f'href="/items/{REPEAT}"' not in browser.get("/items?status=retired").text
    assert world.actions() == ["item_retired", "item_activated"]


@pytest.mark.parametrize("data", [{"status": "retired"}, {"status": "lost", "reason": "x"}, {"reason": "x"}])
def test_retiring_needs_a_reason_and_a_known_status(world, data):
    reply = world.browser("sushma").post(f"/items/{REPEAT}/status", data=data)
    assert reply.status_code == 422
    assert world.services.items.find(REPEAT).status.value == "active"


def test_a_mistake_keeps_what_was_typed(world):
    reply = world.browser("sushma").post(f"/items/{REPEAT}/status", data={"status": "retired", "reason": "x" * 400})
    assert reply.status_code == 422
    assert "x" * 400 in reply.text


def test_a_campus_admin_has_no_way_to_change_an_item(world):
    browser = world.browser("meera")
    assert "Retire" not in text_of(browser.get(f"/items/{REPEAT}"))
    assert browser.post(f"/items/{REPEAT}/status", data={"status": "retired", "reason": "x"}).status_code == 404
    assert world.services.items.find(REPEAT).status.value == "active"


@pytest.mark.parametrize("path", ["/items", f"/items/{REPEAT}", f"/items/{REPEAT}/sound/0", "/items/nosuchthing"])
def test_to_a_student_there_is_nothing(world, path):
    reply = world.browser("asha").get(path)
    assert reply.status_code == 404
    assert "library" not in reply.text.lower()


def test_what_is_not_there_is_not_found(world):
    browser = world.browser("meera")
    assert browser.get("/items/nosuchthing").status_code == 404
    assert browser.get("/items/forms/nosuchthing").status_code == 404


def test_item_text_is_shown_as_text(world):
    """A bank file is ours, but its words end in pages all the same."""
    reply = world.browser("meera").get("/items?text=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in reply.text


def of_kind(kind):
    return [of(task) for task, item_type in ITEM_TYPES.items() if item_type.answer_kind.value == kind]


@pytest.mark.parametrize("item", [*of_kind("text"), *of_kind("texts"), *of_kind("choices")], ids=lambda item: item.task)
def test_authors_see_typed_and_chosen_items_as_candidates_do_and_the_key_beside(world, item):
    reply = world.browser("meera").get(f"/items/{item.id}")
    assert reply.status_code == 200
    shown = text_of(reply)
    assert "Answer key" in shown
    for option in item.body.shown.get("options", ()):
        assert option in shown
    for point in item.body.shown.get("points", ()):
        assert point in shown
    assert "{1}" not in shown
