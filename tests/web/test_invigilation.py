"""Messages, incidents, identity, signals, conditions and delegated invigilators, as pages and calls."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.app import create_app
from backend.features.assessments.conditions import Conditions, IdentityRule, config_key_hash
from backend.features.attempts import model as attempt_rules
from backend.features.invigilation.model import Power, duty_id
from backend.features.invigilation.signals import Finding
from backend.features.students import usecases as student_usecases
from backend.features.students.identity import identity_code
from tests.support.matrix import build_full_services
from tests.support.people import World

KEY = "a" * 64
SIGNALS = "/api/attempts/attempt/signals"


@pytest.fixture
def world():
    services = build_full_services()
    return World(services=services, app=create_app(services=services))


def set_conditions(world, **changes):
    delivery = world.services.deliveries.find("delivery")
    after = replace(delivery, conditions=Conditions(**changes), revision=delivery.revision + 1)
    assert world.services.deliveries.save(after, seen=delivery)


def beat(browser):
    body = {"position": 0, "uploads_pending": 0, "microphone": "ok"}
    return browser.post("/api/attempts/attempt/heartbeat", json=body).json


def a_signal(world, number=1, **changes):
    at = world.services.now().isoformat()
    return {"signal_id": f"s{number}", "kind": "tab_left", "at": at, "duration_ms": 2_000} | changes


# -- messages --------------------------------------------------------------------------------------------------------


def test_a_message_reaches_whom_it_names_until_it_is_seen(world):
    ines, asha, ravi = world.browser("ines"), world.browser("asha"), world.browser("ravi")
    body = {"text": "  Five minutes more. ", "student_ids": ["asha"], "is_urgent": True}
    sent = ines.post("/api/deliveries/delivery/messages", json=body)
    assert sent.status_code == 201
    world.clock.move(seconds=2)
    told = [(each["text"], each["is_urgent"]) for each in beat(asha)["messages"]]
    assert told == [("Please wait.", False), ("Five minutes more.", True)]
    assert asha.post(f"/api/attempts/attempt/messages/{sent.json['id']}/seen").status_code == 200
    assert asha.post(f"/api/attempts/attempt/messages/{sent.json['id']}/seen").status_code == 200
    assert [each["text"] for each in beat(asha)["messages"]] == ["Please wait."]
    assert "seen by 1 of 1" in ines.get("/tests/delivery/record").text
    assert world.actions()[-1] == "message_sent"
    assert ravi.post(f"/api/attempts/attempt/messages/{sent.json['id']}/seen").status_code == 404


def test_a_message_to_all_names_nobody(world):
    world.browser("meera").post("/api/deliveries/delivery/messages", json={"text": "Water is at the door."})
    world.clock.move(seconds=2)
    assert "Water is at the door." in [each["text"] for each in beat(world.browser("asha"))["messages"]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "   "},
        {"text": "x" * 501},
        {"text": "Hello", "student_ids": ["salma"]},
        {"text": "Hello", "student_ids": [{"$ne": None}]},
        {"text": "Hello", "sent_by": "meera"},
    ],
)
def test_messages_that_are_refused(world, body):
    assert world.browser("ines").post("/api/deliveries/delivery/messages", json=body).status_code == 422
    assert len(world.services.messages.list_by_delivery("delivery")) == 1


def test_somebody_elses_message_cannot_be_acknowledged(world):
    message = world.services.messages.find("message")
    world.services.messages.add(replace(message, id="to-ravi", student_ids=("ravi",)))
    asha = world.browser("asha")
    assert asha.post("/api/attempts/attempt/messages/to-ravi/seen").status_code == 404
    assert asha.post("/api/attempts/attempt/messages/nothing/seen").status_code == 404


# -- incidents -------------------------------------------------------------------------------------------------------


def test_an_incident_is_kept_listed_and_exported(world):
    ines, meera = world.browser("ines"), world.browser("meera")
    body = {"kind": "technical", "text": "=HYPERLINK() her headset broke", "student_ids": ["asha"]}
    assert ines.post("/api/deliveries/delivery/incidents", json=body).status_code == 201
    ines.post("/tests/delivery/record", data={"kind": "room", "text": "The power failed for a minute."})
    page = ines.get("/tests/delivery/record").text
    assert "her headset broke" in page
    assert "The power failed" in page
    rows = meera.get("/tests/delivery/incidents.csv").data.decode("utf-8-sig").splitlines()
    assert rows[1].endswith("Technical,N01,Asha Nair,'=HYPERLINK() her headset broke,Ines Paul")
    assert "Room,,,The power failed for a minute.,Ines Paul" in rows[2]
    told = ines.get("/api/deliveries/delivery/candidates/asha/timeline").json["happenings"]
    assert ("incident", "Ines Paul") in [(each["kind"], each["by"]) for each in told]
    assert {"move", "message"} <= {each["kind"] for each in told}


def test_a_timeline_is_of_a_candidate_of_this_test_only(world):
    meera = world.browser("meera")
    assert meera.get("/api/deliveries/delivery/candidates/salma/timeline").status_code == 422


@pytest.mark.parametrize("change", [{"kind": "network_refused"}, {"text": ""}, {"student_ids": ["salma"]}])
def test_incidents_that_are_refused(world, change):
    body = {"kind": "room", "text": "Noise."} | change
    assert world.browser("ines").post("/api/deliveries/delivery/incidents", json=body).status_code == 422
    assert not world.services.incidents.list_by_delivery("delivery")


# -- identity --------------------------------------------------------------------------------------------------------


def test_a_code_checks_its_candidate_off_once(world):
    code = identity_code("asha", secret=world.services.settings.viva_secret_key)
    ines = world.browser("ines")
    reply = ines.post("/api/deliveries/delivery/identity", json={"code": f" {code.lower().replace('-', ' ')} "})
    assert (reply.status_code, reply.json["student_id"], reply.json["means"]) == (200, "asha", "card")
    first = reply.json["checked_at"]
    world.clock.move(minutes=5)
    again = world.browser("meera").post("/api/deliveries/delivery/identity", json={"code": code})
    assert again.json["checked_at"] == first
    assert world.actions().count("identity_checked") == 1


def test_a_code_of_nobody_here_is_refused(world):
    ines = world.browser("ines")
    others = identity_code("salma", secret=world.services.settings.viva_secret_key)
    for code in ("ABC-DEF", others, "-"):
        assert ines.post("/api/deliveries/delivery/identity", json={"code": code}).status_code == 422


def test_without_a_card_a_reason_is_written_down(world):
    ines = world.browser("ines")
    assert ines.post("/api/deliveries/delivery/identity", json={"student_id": "asha"}).status_code == 422
    body = {"student_id": "asha", "reason": "Card forgotten; college identity card shown."}
    assert ines.post("/api/deliveries/delivery/identity", json=body).json["means"] == "document"
    noted = world.services.incidents.list_by_delivery("delivery")
    assert [(each.kind, each.student_ids) for each in noted] == [("identity", ("asha",))]


def test_the_clock_does_not_start_before_the_check_where_it_is_asked_for(world):
    set_conditions(world, identity_check=IdentityRule.BEFORE_START)
    ravi = world.browser("ravi")
    attempt = ravi.post("/api/deliveries/delivery/attempts", json={}).json
    refused = ravi.post(f"/api/attempts/{attempt['id']}/begin", json={})
    assert (refused.status_code, refused.json["code"]) == (409, "identity_not_checked")
    code = identity_code("ravi", secret=world.services.settings.viva_secret_key)
    world.browser("ines").post("/api/deliveries/delivery/identity", json={"code": code})
    assert ravi.post(f"/api/attempts/{attempt['id']}/begin", json={}).json["state"] == "in_progress"


# -- conditions ------------------------------------------------------------------------------------------------------


def test_outside_the_network_one_is_told_and_whoever_watches_too(world):
    set_conditions(world, networks=("10.20.0.0/16",))
    ravi = world.browser("ravi")
    refused = ravi.post("/api/deliveries/delivery/attempts", json={})
    assert (refused.status_code, refused.json["code"]) == (409, "network_not_allowed")
    ravi.post("/api/deliveries/delivery/attempts", json={})
    assert [each.kind for each in world.services.incidents.list_by_delivery("delivery")] == ["network_refused"]
    assert {"refused": "network_not_allowed", "student_id": "ravi"}.items() <= world.services.feed.events[-1][2].items()
    inside = ravi.post("/api/deliveries/delivery/attempts", json={}, environ_overrides={"REMOTE_ADDR": "10.20.1.1"})
    assert inside.status_code == 200


def test_a_header_from_nobody_we_trust_moves_no_address(world):
    set_conditions(world, networks=("10.20.0.0/16",))
    sent = {"X-Forwarded-For": "10.20.1.1", "X-Real-IP": "10.20.1.1"}
    reply = world.browser("ravi").post("/api/deliveries/delivery/attempts", json={}, headers=sent)
    assert reply.json["code"] == "network_not_allowed"


def test_the_safe_browser_shows_its_key_in_a_header_or_by_the_page(world):
    set_conditions(world, seb_config_keys=(KEY,))
    ravi, path = world.browser("ravi"), "/api/deliveries/delivery/attempts"
    assert ravi.post(path, json={}).json["code"] == "seb_required"
    by_header = {"X-SafeExamBrowser-ConfigKeyHash": config_key_hash(f"http://localhost{path}", KEY)}
    assert ravi.post(path, json={}, headers=by_header).status_code == 200
    by_page = {"X-Viva-Page-ConfigKeyHash": config_key_hash("http://localhost/sit/delivery", KEY)}
    assert ravi.post(path, json={}, headers=by_page).status_code == 200
    elsewhere = {"X-SafeExamBrowser-ConfigKeyHash": config_key_hash("http://localhost/sit/other", KEY)}
    assert ravi.post(path, json={}, headers=elsewhere).json["code"] == "seb_required"


def test_conditions_are_set_on_their_page_and_audited(world):
    meera = world.browser("meera")
    form = {"identity_check": "before_start", "networks": "10.20.3.4/16", "seb_config_keys": KEY.upper()}
    assert meera.post("/tests/delivery/conditions", data=form).status_code == 302
    kept = world.services.deliveries.find("delivery").conditions
    assert kept == Conditions(
        identity_check=IdentityRule.BEFORE_START, networks=("10.20.0.0/16",), seb_config_keys=(KEY,)
    )
    assert world.actions()[-1] == "conditions_changed"
    wrong = meera.post("/tests/delivery/conditions", data={"identity_check": "none", "networks": "ten"})
    assert wrong.status_code == 422
    assert "This is no network: ten" in wrong.text


def test_the_full_screen_is_asked_for_where_the_college_says_so(world):
    meera, asha, page = world.browser("meera"), world.browser("asha"), "/tests/delivery/conditions"
    entered = asha.post("/api/deliveries/delivery/attempts").json
    assert entered["asks_full_screen"] is False
    assert meera.post(page, data={"identity_check": "none", "full_screen": "on"}).status_code == 302
    assert asha.get(f"/api/attempts/{entered['id']}").json["asks_full_screen"] is True
    assert 'name="full_screen" value="on" checked' in " ".join(meera.get(page).text.split())
    assert meera.post(page, data={"identity_check": "none"}).status_code == 302
    assert world.services.deliveries.find("delivery").conditions.are_open


# -- signals ---------------------------------------------------------------------------------------------------------


def test_signals_are_kept_once_and_shown_to_staff_and_candidate(world):
    asha, meera = world.browser("asha"), world.browser("meera")
    assert asha.post(SIGNALS, json={"signals": [a_signal(world)]}).json == {"known": 1}
    assert asha.post(SIGNALS, json={"signals": [a_signal(world), a_signal(world, 2)]}).json == {"known": 2}
    assert "Left the test’s page" in meera.get("/tests/delivery/record").text.replace("&#39;", "’")
    form = {"finding": "no_concern", "reason": "She opened the window."}
    meera.post("/tests/delivery/signals/attempt/review", data=form)
    assert world.services.signal_records.find("attempt").finding is Finding.NO_CONCERN
    asha.post("/attempts/attempt/signals/appeal", data={"text": "I did not.", "result_id": "sat-1"})
    assert world.services.signal_records.find("attempt").is_appealed


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "offline"},  # told by the moves, not by the page
        {"kind": "cheated"},
        {"at": "yesterday"},
        {"duration_ms": -1},
        {"duration_ms": "9"},
        {"signal_id": "../../x"},
        {"more": 1},
    ],
)
def test_signals_that_are_refused(world, change):
    reply = world.browser("asha").post(SIGNALS, json={"signals": [a_signal(world) | change]})
    assert reply.status_code == 422
    assert world.services.signal_records.find("attempt").total == 0


def test_a_flood_of_signals_is_slowed_down(world):
    asha = world.browser("asha")
    replies = [asha.post(SIGNALS, json={"signals": [a_signal(world, n)]}).status_code for n in range(40)]
    assert 429 in replies
    assert asha.post(SIGNALS, json={"signals": [a_signal(world, n) for n in range(51)]}).status_code in (422, 429)


def test_signals_change_nothing_of_the_attempt_its_answers_or_its_result(world):
    services = world.services

    def everything():
        return (
            services.attempts.list_by_delivery("delivery"),
            [services.responses.list_by_attempt(each) for each in ("attempt", "sat")],
            services.results.list_by_delivery("delivery"),
            services.releases.list_by_delivery("delivery"),
        )

    before = everything()
    world.browser("asha").post(SIGNALS, json={"signals": [a_signal(world, n) for n in range(50)]})
    world.browser("meera").post("/tests/delivery/signals/attempt/review", data={"finding": "noted", "reason": "Away."})
    assert services.signal_records.find("attempt").finding is Finding.NOTED
    assert everything() == before


def test_before_the_start_nothing_is_recorded(world):
    ravi = world.browser("ravi")
    attempt = ravi.post("/api/deliveries/delivery/attempts", json={}).json
    reply = ravi.post(f"/api/attempts/{attempt['id']}/signals", json={"signals": [a_signal(world)]})
    assert reply.json == {"known": 0}


# -- delegated invigilators ------------------------------------------------------------------------------------------


def test_an_invigilator_is_invited_assigned_and_released(world):
    meera, services = world.browser("meera"), world.services
    meera.post("/invigilators", data={"name": "Kiran Rao", "email": "kiran@example.edu"})
    account = services.accounts.find_by_login("kiran@example.edu")
    assert (account.role, account.campus_id) == ("invigilator", "north")
    meera.post("/tests/delivery/invigilators", data={"account_id": account.id, "may_pause": "on"})
    assert services.duties.find(duty_id("delivery", account.id)).powers == (Power.PAUSE,)
    kiran = world.browser("igor")
    assert kiran.get("/tests/delivery/monitor").status_code == 404
    meera.post("/tests/delivery/invigilators", data={"account_id": "igor"})
    assert kiran.get("/tests/delivery/monitor").status_code == 200
    assert "Spoken English" in kiran.get("/").text
    meera.post("/tests/delivery/invigilators/igor/release")
    assert kiran.get("/tests/delivery/monitor").status_code == 404
    assert "No test for you yet" in kiran.get("/").text
    assert {"invigilator_invited", "invigilator_assigned", "invigilator_released"} <= set(world.actions())


@pytest.mark.parametrize("account_id", ["sana", "meera", "asha", "nobody", ""])
def test_only_invigilators_of_the_campus_can_be_assigned(world, account_id):
    world.browser("meera").post("/tests/delivery/invigilators", data={"account_id": account_id})
    assert [duty.account_id for duty in world.services.duties.list_by_delivery("delivery")] == ["ines"]


def test_a_disabled_invigilator_is_out_at_once(world):
    ines = world.browser("ines")
    assert ines.get("/tests/delivery/monitor").status_code == 200
    world.browser("meera").post("/invigilators/ines/disable")
    assert ines.get("/tests/delivery/monitor").status_code == 302


def test_an_older_delivery_has_no_conditions(world):
    assert world.services.deliveries.find("delivery").conditions.are_open


def test_after_the_end_a_signal_of_before_still_arrives(world):
    services, asha = world.services, world.browser("asha")
    early = a_signal(world)
    attempt = services.attempts.find("attempt")
    world.clock.move(minutes=30)
    over = attempt_rules.expired(attempt, at=services.now())
    assert services.attempts.save(over, seen=attempt)
    late = a_signal(world, 2, at=(services.now() + timedelta(0)).isoformat())
    assert asha.post(SIGNALS, json={"signals": [early, late]}).json == {"known": 1}


# -- controls --------------------------------------------------------------------------------------------------------


def control(browser, action, **more):
    body = {"control_id": f"control-{action}-1", "action": action, "attempt_ids": ["attempt"], "reason": "Fire."} | more
    return browser.post("/api/deliveries/delivery/controls", json=body)


def test_an_invigilator_does_what_was_given_and_never_decides_about_a_result(world):
    ines = world.browser("ines")
    assert control(ines, "pause").json["changed"] == ["attempt"]
    assert control(ines, "resume").json["changed"] == ["attempt"]
    assert control(ines, "extend", minutes=5).json["changed"] == ["attempt"]
    for action in ("void", "reopen"):
        reply = control(ines, action)
        assert (reply.status_code, reply.json["code"]) == (403, "control_not_given")
    assert world.services.attempts.find("attempt").state == "in_progress"
    told = ines.get("/api/deliveries/delivery/candidates/asha/timeline").json["happenings"]
    assert [each["text"] for each in told if each["kind"] == "control"].count("Paused: Fire.") == 1


def test_who_only_watches_controls_nothing(world):
    duty = world.services.duties.find("delivery:ines")
    world.services.duties.put(replace(duty, powers=()))
    for action in ("pause", "resume", "extend"):
        assert control(world.browser("ines"), action, minutes=5 if action == "extend" else None).status_code == 403
    assert world.services.attempts.find("attempt").revision == 2


def test_a_message_is_announced_to_the_pages_that_are_there_by_ids_only(world):
    world.browser("ines").post("/api/deliveries/delivery/messages", json={"text": "Asha, please sit down."})
    told = [event for event in world.services.feed.events if event[1] == "invigilation_message"]
    assert [room for room, _, _ in told] == ["attempt:attempt"]
    assert set(told[0][2]) == {"attempt_id", "message_id"}


def test_outside_the_network_nothing_is_opened_but_what_was_open_is_closed(world):
    asha, at = world.browser("asha"), world.services.now().isoformat()
    first = asha.post("/api/attempts/attempt/moves", json={"moves": [{"kind": "open", "position": 0, "at": at}]})
    assert first.status_code == 200
    set_conditions(world, networks=("10.20.0.0/16",))
    both = [{"kind": "close", "position": 0, "at": at}, {"kind": "open", "position": 1, "at": at}]
    assert asha.post("/api/attempts/attempt/moves", json={"moves": both}).json["code"] == "network_not_allowed"
    assert asha.post("/api/attempts/attempt/moves", json={"moves": both[:1]}).json["position"] == 1


# -- what the candidate is told --------------------------------------------------------------------------------------


def test_the_result_shows_what_was_noticed_its_review_and_takes_the_appeal(world):
    services, asha, meera = world.services, world.browser("asha"), world.browser("meera")
    record = services.signal_records.find("attempt")
    asha.post(SIGNALS, json={"signals": [a_signal(world)]})
    kept = services.signal_records.find("attempt")
    services.signal_records.add(replace(kept, id="sat"))
    page = asha.get("/results/sat-1").text
    assert "Left the test" in page
    assert "Not reviewed yet" in page
    meera.post("/tests/delivery/signals/sat/review", data={"finding": "noted", "reason": "Away for long."})
    page = asha.get("/results/sat-1").text
    assert "Away for long." in page
    asha.post("/attempts/sat/signals/appeal", data={"text": "The door bell rang.", "result_id": "sat-1"})
    assert "Appealed, an answer is to come" in asha.get("/results/sat-1").text
    assert "The door bell rang." in meera.get("/tests/delivery/record").text
    assert record.total == 0


def test_incidents_stand_on_the_result_for_staff_only(world):
    body = {"kind": "health", "text": "She felt faint.", "student_ids": ["asha"]}
    world.browser("ines").post("/api/deliveries/delivery/incidents", json=body)
    assert "She felt faint." in world.browser("meera").get("/results/sat-1").text
    assert "She felt faint." not in world.browser("asha").get("/results/sat-1").text


def test_each_card_carries_the_identity_code(world):
    cards = student_usecases.issue_login_cards(
        actor=world.actor("meera"),
        batch=world.batch("north-a"),
        chosen=[world.student("asha")],
        codes=world.services.one_time_codes,
        audit_log=world.services.audit_log,
        secret=world.services.settings.viva_secret_key,
        now=world.services.now(),
        new_id=world.services.new_id,
    )
    assert cards[0].identity_code == identity_code("asha", secret=world.services.settings.viva_secret_key)
    assert world.browser("meera").post("/students/asha/login-card.pdf").data.startswith(b"%PDF")
