"""Scheduling, editing, cancelling; answers without a score; what strangers see; a student's list."""

from datetime import timedelta

import pytest
from flask import render_template

from backend.app import create_app
from backend.core.errors import PermanentFailure
from backend.features.assessments.memory import MemoryFormats, MemoryReleasedResults
from backend.features.assessments.model import DeliveryState
from backend.features.assessments.repository import OfferedFormat, Standing
from backend.features.assessments.usecases import list_for_student
from backend.features.batches.model import Batch, BatchState
from backend.features.campuses.model import Campus
from backend.features.courses.model import Course
from tests.support.exam import CLOSES, OPENS, Browser, furnish, make_delivery, sign_in_by_header
from tests.support.services_memory import build_memory_services
from tests.unit.ratings.test_scoring import Sitting

SHORT = OfferedFormat(
    id="versant_style_short",
    version="1",
    title="Versant-style, short",
    item_count=30,
    allowed=timedelta(minutes=20),
    form_ids=("form_one", "form_two"),
)
FORM = {
    "title": "  Spoken   English ",
    "format_id": "versant_style_short",
    "batch_id": "batch_one",
    "opens": "2026-12-01T10:00",
    "closes": "2026-12-01T12:00",
    "attempts_allowed": "2",
}


def settle_in(services):
    """North with its batch, South with another."""
    for campus_id, zone, batch_id in (("north", "Asia/Kolkata", "batch_one"), ("south", "Europe/Paris", "batch_two")):
        services.campuses.add(
            Campus(id=campus_id, name=campus_id.title(), slug=campus_id, time_zone=zone, created_at=OPENS)
        )
        services.batches.add(
            Batch(
                id=batch_id,
                campus_id=campus_id,
                course_id="course",
                name=f"Batch of {campus_id}",
                name_key=batch_id,
                state=BatchState.ACTIVE,
                created_at=OPENS,
            )
        )
    return services


@pytest.fixture
def services():
    made = furnish(build_memory_services(offered_formats=MemoryFormats([SHORT])))
    made.now.move(days=-1)
    return settle_in(made)


class TestScheduling:
    def test_a_test_is_scheduled_in_local_time(self, meera, services):
        reply = meera.post_form("/tests/new", **FORM)
        assert reply.status_code == 302, reply.get_data(as_text=True)
        delivery = services.deliveries.find(reply.location.rsplit("/", 1)[-1])
        assert delivery.title == "Spoken English"
        assert delivery.opens_at.isoformat() == "2026-12-01T04:30:00+00:00"
        assert (delivery.time_zone, delivery.attempts_allowed) == ("Asia/Kolkata", 2)
        assert delivery.form_ids == ("form_one", "form_two")
        page = meera.get(reply.location).get_data(as_text=True)
        assert "01 Dec 2026, 10:00" in page
        assert "IST" in page
        assert f"/sit/{delivery.id}" in page

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"title": " "}, "Give the test a title."),
            ({"batch_id": "batch_two"}, "Choose a batch from the list."),
            ({"batch_id": "nowhere"}, "Choose a batch from the list."),
            ({"format_id": "other"}, "Choose a test from the list."),
            ({"closes": "2026-12-01T10:05"}, "too short"),
            ({"opens": "tomorrow"}, "Enter a date and a time."),
            ({"attempts_allowed": "0"}, "Between 1 and 10 attempts."),
            ({"attempts_allowed": "many"}, "A number from 1 to 10."),
        ],
    )
    def test_a_mistake_is_named_and_nothing_typed_is_lost(self, meera, services, changes, text):
        reply = meera.post_form("/tests/new", **(FORM | {"title": "Kept title"} | changes))
        page = reply.get_data(as_text=True)
        assert reply.status_code == 422
        assert text in page
        assert changes.get("title", "Kept title") in page
        assert len(services.deliveries.list_by_campus("north")) == 1

    def test_batches_of_one_name_are_told_apart_by_their_courses(self, meera, services):
        for code in ("BCOM", "BSC"):
            services.courses.add(
                Course(id=code, campus_id="north", name=code.title(), code=code, code_key=code, created_at=OPENS)
            )
            services.batches.add(
                Batch(
                    id=f"batch_{code}",
                    campus_id="north",
                    course_id=code,
                    name="2026 A",
                    name_key="2026 a",
                    state=BatchState.ACTIVE,
                    created_at=OPENS,
                )
            )
        form = meera.get("/tests/new").get_data(as_text=True)
        assert form.index(">BCOM · 2026 A<") < form.index(">BSC · 2026 A<")
        made = meera.post_form("/tests/new", **(FORM | {"batch_id": "batch_BSC"})).location
        for page in (made, "/tests", "/"):
            assert "BSC · 2026 A" in meera.get(page).get_data(as_text=True)

    def test_the_skipped_hour_is_named(self, browse):
        form = FORM | {"batch_id": "batch_two", "opens": "2027-03-28T02:30", "closes": "2027-03-28T05:00"}
        reply = browse("omar").post_form("/tests/new", **form)
        assert reply.status_code == 422
        assert "this time does not exist" in reply.get_data(as_text=True)


class TestEditing:
    def test_until_it_opens(self, meera, services):
        assert "2026-11-23T10:00" in meera.get("/tests/delivery/edit").get_data(as_text=True)
        assert meera.post_form("/tests/delivery/edit", **FORM).status_code == 302
        assert services.deliveries.find("delivery").opens_at.isoformat() == "2026-12-01T04:30:00+00:00"

    def test_not_afterwards(self, meera, services):
        services.now.moment = OPENS
        assert meera.post_form("/tests/delivery/edit", **FORM).status_code == 409
        assert services.deliveries.find("delivery").opens_at == OPENS

    def test_cancelled_is_cancelled(self, meera, browse, services):
        for _ in range(2):
            assert meera.post_form("/tests/delivery/cancel").status_code == 302
        assert services.deliveries.find("delivery").state is DeliveryState.CANCELLED
        services.now.moment = OPENS
        assert browse("asha").post("/api/deliveries/delivery/attempts").json["code"] == "delivery_not_open"
        assert [event.action for event in services.audit_log.list_by_campus("north")] == ["delivery_cancelled"]


class TestApi:
    def test_schedules_and_lists(self, meera, services):
        made = meera.post("/api/tests", FORM)
        assert (made.status_code, made.json["phase"], made.json["title"]) == (201, "upcoming", "Spoken English")
        assert made.json["opens_at"] == "2026-12-01T04:30:00+00:00"
        assert meera.get(f"/api/tests/{made.json['id']}").json == made.json
        assert [test["id"] for test in meera.get("/api/tests").json["tests"]] == [made.json["id"], "delivery"]

    def test_every_mistake_by_field(self, meera):
        reply = meera.post("/api/tests", {**FORM, "batch_id": "batch_two", "format_id": "none"})
        assert (reply.status_code, reply.content_type) == (422, "application/problem+json")
        assert "batch_id" in reply.json["errors"]

    def test_what_nobody_asked_for_is_refused(self, meera):
        assert meera.post("/api/tests", {**FORM, "campus_id": "south"}).status_code == 422

    def test_scheduling_and_editing_are_audited(self, meera, services):
        meera.post("/api/tests", FORM)
        meera.post_form("/tests/delivery/edit", **FORM)
        actions = [event.action for event in services.audit_log.list_by_campus("north")]
        assert sorted(actions) == ["delivery_edited", "delivery_scheduled"]


PAGES = ["/tests/delivery", "/tests/delivery/edit", "/tests/delivery/unscored"]
ACTIONS = [
    "/tests/delivery/edit",
    "/tests/delivery/cancel",
    "/tests/delivery/unscored/score-again",
    "/tests/delivery/unscored/settle-without",
    "/tests/delivery/unscored/x:0/score-again",
    "/tests/delivery/unscored/x:0/settle-without",
    "/tests/delivery/unscored/attempts/x/stop-waiting",
]


class TestStrangers:
    @pytest.mark.parametrize("actor", ["omar", "asha", "salma"])
    def test_hear_that_there_is_nothing(self, browse, services, actor):
        stranger, before = browse(actor), services.deliveries.find("delivery")
        assert {stranger.get(page).status_code for page in PAGES} == {404}
        assert {stranger.post_form(action, **FORM).status_code for action in ACTIONS} == {404}
        assert services.deliveries.find("delivery") == before

    def test_nobody_is_led_to_the_sign_in(self, browse):
        reply = browse(None).get("/tests/delivery")
        assert reply.status_code == 302
        assert "/sign-in" in reply.location

    def test_the_list_has_only_ones_own(self, browse):
        assert "Spoken English" in browse("meera").get("/tests").get_data(as_text=True)
        page = browse("omar").get("/tests").get_data(as_text=True)
        assert "Spoken English" not in page
        assert "No tests yet" in page


class TestUnscored:
    @pytest.fixture
    def sitting(self):
        made = Sitting(tasks=("repeat", "repeat"))
        settle_in(made.services)
        made.sit()
        made.fails(PermanentFailure("not_audio"))
        made.score_all()
        return made

    @pytest.fixture
    def visit(self, sitting):
        app = create_app(services=sitting.services)
        sign_in_by_header(app)
        return lambda actor: Browser(http=app.test_client(), actor=actor)

    def test_each_with_its_reason_and_its_voice(self, sitting, visit):
        page = visit("meera").get("/tests/delivery/unscored").get_data(as_text=True)
        assert page.count("The file is not a recording that can be played.") == 2
        assert "Asha Rao" in page
        sound = visit("meera").get(f"/tests/delivery/unscored/{sitting.id}:0/recordings/0")
        assert sound.status_code == 200
        assert sound.data == sitting.services.blobs.get(sitting.response(0).recordings[0].blob_key)
        assert visit("meera").get(f"/tests/delivery/unscored/{sitting.id}:0/recordings/1").status_code == 404

    @pytest.mark.parametrize("actor", ["omar", "asha", "ravi"])
    def test_a_voice_is_not_for_strangers(self, sitting, visit, actor):
        assert visit(actor).get(f"/tests/delivery/unscored/{sitting.id}:0/recordings/0").status_code == 404
        sitting.services.deliveries.add(make_delivery("of_south", campus_id="south", batch_id="batch_two"))
        assert visit("omar").get(f"/tests/of_south/unscored/{sitting.id}:0/recordings/0").status_code == 404
        again = visit("omar").post_form(f"/tests/of_south/unscored/{sitting.id}:0/score-again")
        assert again.status_code == 404

    def test_score_again_and_settle_without(self, sitting, visit):
        meera = visit("meera")
        assert meera.post_form(f"/tests/delivery/unscored/{sitting.id}:0/score-again").status_code == 302
        assert sitting.response(0).state.value == "queued"
        assert meera.post_form(f"/tests/delivery/unscored/{sitting.id}:1/settle-without").status_code == 302
        assert "Settled without it" in meera.get("/tests/delivery/unscored").get_data(as_text=True)
        assert meera.post_form("/tests/delivery/unscored/score-again").status_code == 302
        assert sitting.response(1).state.value == "queued"

    def test_settling_without_all(self, sitting, visit):
        meera = visit("meera")
        assert "Settle without all" in meera.get("/tests/delivery/unscored").get_data(as_text=True)
        assert meera.post_form("/tests/delivery/unscored/settle-without").status_code == 302
        page = meera.get("/tests/delivery/unscored").get_data(as_text=True)
        assert "Settle without all" not in page
        assert "Settled without it" in page


class TestAStudentsList:
    def standing(self, services, student_id="asha", **released):
        tests = list_for_student(
            student_id=student_id,
            batch_id="batch_one",
            deliveries=services.deliveries,
            attempt_marks=services.attempt_marks,
            released_results=MemoryReleasedResults({student_id: released}),
            now=services.now(),
        )
        return [(test.standing, test.can_enter) for test in tests]

    def test_through_the_life_of_a_test(self, browse, services):
        assert self.standing(services) == [(Standing.UPCOMING, False)]
        services.now.moment = OPENS
        assert self.standing(services) == [(Standing.OPEN, True)]
        asha = browse("asha")
        attempt = asha.post("/api/deliveries/delivery/attempts").json
        asha.post(f"/api/attempts/{attempt['id']}/begin")
        assert self.standing(services) == [(Standing.IN_PROGRESS, True)]
        services.now.moment = CLOSES
        assert self.standing(services) == [(Standing.DONE, False)]
        assert self.standing(services, delivery="result1") == [(Standing.RELEASED, False)]
        assert self.standing(services, "ravi") == [(Standing.MISSED, False)]

    def test_a_cancelled_test_is_shown_to_those_who_began_it(self, meera, services):
        meera.post_form("/tests/delivery/cancel")
        assert self.standing(services) == []

    def test_it_can_be_read(self, app, services):
        services.now.moment = OPENS
        tests = list_for_student(
            student_id="asha",
            batch_id="batch_one",
            deliveries=services.deliveries,
            attempt_marks=services.attempt_marks,
            released_results=services.released_results,
            now=services.now(),
        )
        with app.test_request_context():
            page = render_template("assessments/_student_list.html", tests=tests)
            assert "/sit/delivery" in page
            assert "No tests for you yet" in render_template("assessments/_student_list.html", tests=[])
