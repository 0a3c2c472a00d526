"""A part's items and sounds, fetched ahead: sealed until the server tells the key at the part's start."""

import base64
import json
from dataclasses import replace
from unittest.mock import Mock

import pytest

from backend.core.errors import TemporaryFailure
from backend.core.sealing import Unreadable, unseal
from tests.support.exam import ALLOWED, OPENS, furnish, make_item, make_paper
from tests.support.services_memory import build_memory_services


@pytest.fixture
def services():
    """Two parts of two items each."""
    paper = make_paper(tasks=("read_aloud",) * 2)
    later = tuple(make_item(position, letter="B") for position in (2, 3))
    second = replace(paper.sections[0], letter="B", first_position=2)
    whole = replace(paper, items=(*paper.items, *later), sections=(replace(paper.sections[0], item_count=2), second))
    return furnish(build_memory_services(), paper=whole)


@pytest.fixture
def path(asha):
    return f"/api/attempts/{asha.post('/api/deliveries/delivery/attempts').json['id']}"


def sealed_package(asha, services, path, letter):
    url = asha.get(f"{path}/packages/{letter}").json["url"]
    return services.blobs.get(url.removeprefix("memory://get/"))


def opened(sealed, key, letter):
    data = unseal(base64.urlsafe_b64decode(key), sealed, label=f"package:{letter}")
    length = int.from_bytes(data[:4], "big")
    return json.loads(data[4 : 4 + length]), data[4 + length :]


def move(asha, path, services, *moves):
    at = services.now().isoformat()
    body = {"moves": [{"kind": kind, "position": position, "at": at} for kind, position in moves]}
    return asha.post(f"{path}/moves", body).json


def test_a_package_says_nothing_before_its_part_begins(asha, services, path):
    sealed = sealed_package(asha, services, path, "A")
    assert b"secret" not in sealed
    assert b"sound of" not in sealed
    begun = asha.post(f"{path}/begin").json
    assert begun["section_key"] is None
    first = move(asha, path, services, ("open", 0))
    head, sounds = opened(sealed, first["section_key"], "A")
    assert [item["text"] for item in head["items"]] == ["secret-text-0", "secret-text-1"]
    assert sounds == b"sound of prompts/secret-prompt-0.oggsound of prompts/secret-prompt-1.ogg"
    assert head["sounds"][1] == {"name": "package:A/1", "size": 36}


def test_its_items_are_what_the_server_would_give(asha, services, path):
    asha.post(f"{path}/begin")
    snapshot = move(asha, path, services, ("open", 0))
    head, _ = opened(sealed_package(asha, services, path, "A"), snapshot["section_key"], "A")
    of_the_clock = {"opened_at", "elapsed_ms", "heard", "replays_left", "draft"}
    given = {name: value for name, value in snapshot["item"].items() if name not in of_the_clock}
    assert head["items"][0] == given | {"prompt": {"url": "package:A/0", "duration_ms": 2_000}}


def test_each_part_has_a_key_of_its_own_told_with_its_first_item(asha, services, path):
    asha.post(f"{path}/begin")
    first = move(asha, path, services, ("open", 0))
    coming = sealed_package(asha, services, path, "B")
    with pytest.raises(Unreadable):
        opened(coming, first["section_key"], "B")
    between = move(asha, path, services, ("close", 0), ("open", 1), ("close", 1))
    assert between["section_key"] is None
    second = move(asha, path, services, ("open", 2))
    assert opened(coming, second["section_key"], "B")[0]["letter"] == "B"
    assert asha.get(path).json["section_key"] == second["section_key"], "a reload goes on with it"


def test_it_is_made_once_for_everybody_with_that_form(asha, services, path):
    sealed_package(asha, services, path, "A")
    keys = [key for key in services.blobs.list_keys() if key.startswith("packages/")]
    services.blobs.put(keys[0], b"kept", content_type="application/octet-stream")
    assert sealed_package(asha, services, path, "A") == b"kept"


def test_where_a_known_package_lies_is_told_while_the_store_is_away(asha, services, path, monkeypatch):
    sealed_package(asha, services, path, "A")
    away = TemporaryFailure("blobs_unreachable")
    for name in ("find", "get", "put"):
        monkeypatch.setattr(services.blobs, name, Mock(side_effect=away))
    assert asha.get(f"{path}/packages/A").json["url"]
    assert asha.get(f"{path}/packages/B").status_code == 503


def test_no_package_of_a_part_that_is_not_there_or_of_a_test_that_is_over(asha, services, path):
    assert asha.get(f"{path}/packages/Z").status_code == 404
    asha.post(f"{path}/begin")
    services.now.moment = OPENS + ALLOWED
    assert asha.get(path).json["section_key"] is None
    assert asha.get(f"{path}/packages/A").json["code"] == "attempt_not_open"
