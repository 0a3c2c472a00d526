"""Pages and API of campuses, courses, batches, students, audit: what they do, and who can never reach them."""

import io

import pypdf
import pytest

from backend.core.actor import Role
from backend.features.accounts.model import AccountState
from backend.features.batches.model import BatchState
from backend.features.students.usecases import SEND_INVITATION
from tests.support.people import PASSWORD, World, build_world


@pytest.fixture(scope="module")
def shared() -> World:
    """One world for requests that must change nothing: each test checks that they did not."""
    return build_world()


NORTH = [
    ("GET", "/batches/north-a"),
    ("POST", "/batches/north-a"),
    ("POST", "/batches/north-a/archive"),
    ("POST", "/batches/north-a/activate"),
    ("GET", "/batches/north-a/students/new"),
    ("POST", "/batches/north-a/students/new"),
    ("GET", "/batches/north-a/students/import"),
    ("POST", "/batches/north-a/students/import"),
    ("POST", "/batches/north-a/students/import/confirm"),
    ("GET", "/batches/north-a/login-cards"),
    ("POST", "/batches/north-a/login-cards.pdf"),
    ("POST", "/batches/north-a/invite"),
    ("GET", "/courses/north-bsc"),
    ("POST", "/courses/north-bsc"),
    ("GET", "/students/asha"),
    ("POST", "/students/asha"),
    ("POST", "/students/asha/disable"),
    ("POST", "/students/asha/enable"),
    ("POST", "/students/asha/invite"),
    ("POST", "/students/asha/login-card.pdf"),
    ("GET", "/api/campuses/north"),
    ("GET", "/api/courses/north-bsc"),
    ("GET", "/api/batches/north-a"),
    ("GET", "/api/batches/north-a/students"),
    ("POST", "/api/batches/north-a/students"),
    ("GET", "/api/students/asha"),
]
SUPERADMIN_ONLY = [
    ("GET", "/campuses"),
    ("GET", "/campuses/new"),
    ("POST", "/campuses/new"),
    ("GET", "/campuses/north"),
    ("POST", "/campuses/north"),
    ("POST", "/campuses/north/admins"),
    ("POST", "/campuses/north/admins/meera/invite"),
    ("POST", "/campuses/north/admins/meera/disable"),
    ("POST", "/campuses/north/admins/meera/enable"),
    ("GET", "/api/campuses"),
    ("POST", "/api/campuses"),
]
VALID_STUDENT = {"roll_number": "N99", "name": "Someone"}


@pytest.mark.parametrize(("method", "path"), NORTH)
@pytest.mark.parametrize("who", ["omar", "asha", "salma"])
def test_another_campus_and_every_student_find_nothing(shared: World, who: str, method: str, path: str) -> None:
    is_json = path.startswith("/api") and method == "POST"
    reply = shared.browser(who).open(
        path, method=method, json=VALID_STUDENT if is_json else None, data=None if is_json else VALID_STUDENT
    )
    assert reply.status_code == 404
    assert "Asha Nair" not in reply.text or who == "asha"
    assert shared.actions() == []
    assert shared.student("asha").is_active


@pytest.mark.parametrize(("method", "path"), SUPERADMIN_ONLY)
@pytest.mark.parametrize("who", ["meera", "omar", "asha"])
def test_only_a_superadmin_reaches_campuses(shared: World, who: str, method: str, path: str) -> None:
    assert shared.browser(who).open(path, method=method, data={}).status_code == 404
    assert shared.actions() == []


@pytest.mark.parametrize(("method", "path"), [*NORTH, *SUPERADMIN_ONLY])
def test_nobody_is_asked_to_sign_in(shared: World, method: str, path: str) -> None:
    reply = shared.anonymous().open(path, method=method)
    if method == "GET" and not path.startswith("/api"):
        assert reply.location.startswith("/sign-in?next=")
    else:
        assert reply.status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/", "/account", "/batches", "/batches?state=archived", "/batches/north-a", "/batches/north-b",
        "/batches/north-a/students/new", "/batches/north-a/students/import", "/batches/north-a/login-cards",
        "/batches/north-b/login-cards", "/courses", "/courses/north-bsc", "/students", "/students?q=as",
        "/students?q=%22%3E%3Cscript%3E", "/students/asha", "/audit",
    ],
)  # fmt: skip
def test_a_campus_admin_sees_every_page(shared: World, path: str) -> None:
    reply = shared.browser("meera").get(path)
    assert reply.status_code == 200
    assert "<script>" not in reply.text
    assert "Salma" not in reply.text
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/campuses", "/campuses/new", "/campuses/north", "/account", "/audit"])
def test_a_superadmin_sees_every_page(shared: World, path: str) -> None:
    assert shared.browser("sushma").get(path).status_code == 200
    assert shared.browser("sushma").get("/").location == "/campuses"


def test_a_student_sees_their_own_start_page(world: World) -> None:
    page = world.browser("asha").get("/")
    assert page.status_code == 200
    assert "Hello Asha Nair" in page.text
    assert world.anonymous().get("/").location == "/sign-in"


def test_a_students_pages_say_whose_they_are_for_the_answers_that_wait_on_the_machine(world: World) -> None:
    assert '<meta name="viva-account" content="asha">' in world.browser("asha").get("/").text
    assert 'name="viva-account"' not in world.browser("sushma").get("/account").text


# -- campuses --------------------------------------------------------------------------------------------------------


def test_a_superadmin_creates_a_campus_and_invites_its_admin_by_mail(world: World) -> None:
    sushma = world.browser("sushma")
    made = sushma.post("/campuses/new", data={"name": "East College", "slug": "", "time_zone": "Asia/Kolkata"})
    assert made.status_code == 302
    invited = sushma.post(f"{made.location}/admins", data={"name": "Devi", "email": "Devi@Example.edu"})
    assert invited.status_code == 302
    page = sushma.get(made.location).text
    assert "The invitation is on its way to Devi" in page
    (mail,) = world.services.outbox.list_latest(limit=10)
    link = next(word for word in mail.text.split() if "/invitation/" in word)
    path = link.removeprefix(world.services.settings.public_url)
    devi = world.anonymous()
    assert devi.post(path, data={"password": "harbour violet lamp"}).location == "/"
    assert "East College" in devi.get("/").text
    assert world.actions() == ["campus_created", "campus_admin_invited", "password_chosen"]


@pytest.mark.parametrize(
    ("data", "mistake"),
    [
        ({"name": "", "time_zone": "Asia/Kolkata"}, "Enter a name"),
        ({"name": "East", "slug": "north", "time_zone": "Asia/Kolkata"}, "Another campus has this short name"),
        ({"name": "East", "slug": "Ost!", "time_zone": "Asia/Kolkata"}, "letters (a-z)"),
        ({"name": "East", "time_zone": "Mars/Olympus"}, "Choose a time zone"),
    ],
)
def test_a_campus_with_a_mistake_is_not_created_and_nothing_typed_is_lost(
    world: World, data: dict[str, str], mistake: str
) -> None:
    reply = world.browser("sushma").post("/campuses/new", data=data)
    assert reply.status_code == 422
    assert mistake in reply.text
    assert not data["name"] or f'value="{data["name"]}"' in reply.text
    assert len(world.services.campuses.list_all()) == 2


def test_an_address_that_is_taken_is_not_invited_again(world: World) -> None:
    reply = world.browser("sushma").post("/campuses/north/admins", data={"name": "M", "email": "meera@example.edu"})
    assert reply.status_code == 422
    assert "signs in with this address already" in reply.text


def test_a_disabled_admin_is_out_at_once_and_can_be_let_in_again(world: World) -> None:
    sushma, meera = world.browser("sushma"), world.browser("meera")
    assert sushma.post("/campuses/north/admins/meera/disable").status_code == 302
    assert meera.get("/api/session").status_code == 401
    assert sushma.post("/campuses/north/admins/meera/enable").status_code == 302
    assert world.account("meera").state is AccountState.ACTIVE


def test_an_admin_of_another_campus_is_not_reached_through_this_one(world: World) -> None:
    assert world.browser("sushma").post("/campuses/north/admins/omar/disable").status_code == 404
    assert world.browser("sushma").post("/campuses/north/admins/asha/disable").status_code == 404


# -- courses and batches ---------------------------------------------------------------------------------------------


def test_courses_and_batches_are_created_renamed_and_archived(world: World) -> None:
    meera = world.browser("meera")
    assert meera.post("/courses", data={"code": "BA-ENG", "name": "B.A. English"}).status_code == 302
    assert meera.post("/courses", data={"code": "ba-eng", "name": "Again"}).status_code == 422
    course = next(c for c in world.services.courses.list_by_campus("north") if c.code == "BA-ENG")
    made = meera.post("/batches", data={"course_id": course.id, "name": "2027"})
    assert made.status_code == 302
    assert meera.post("/batches", data={"course_id": course.id, "name": " 2027 "}).status_code == 422
    assert meera.post("/batches", data={"course_id": "south-bsc", "name": "2028"}).status_code == 422
    batch_id = made.location.rsplit("/", 1)[1]
    assert meera.post(f"/batches/{batch_id}", data={"name": "2027 B"}).status_code == 302
    assert meera.post(f"/batches/{batch_id}/archive").status_code == 302
    assert world.batch(batch_id).state is BatchState.ARCHIVED
    assert world.batch(batch_id).name == "2027 B"
    refused = meera.post(f"/batches/{batch_id}/students/new", data=VALID_STUDENT)
    assert refused.status_code == 409
    assert meera.post(f"/batches/{batch_id}/activate").status_code == 302
    assert world.actions() == [
        "course_created", "batch_created", "batch_renamed", "batch_archived", "batch_reactivated"
    ]  # fmt: skip


# -- students --------------------------------------------------------------------------------------------------------


def test_a_student_is_added_with_a_login_made_of_the_roll_number(world: World) -> None:
    meera = world.browser("meera")
    data = {"roll_number": " 23 CS 041 ", "name": "Zoë  O’Brien", "email": ""}
    assert meera.post("/batches/north-a/students/new", data=data).status_code == 302
    student = world.services.students.find_by_rolls("north", ["23 cs 041"])["23 cs 041"]
    assert (student.login, student.name, student.email) == ("23cs041@north", "Zoë O’Brien", None)
    assert world.account(student.id).role is Role.STUDENT
    again = meera.post("/batches/north-a/students/new", data=data)
    assert again.status_code == 422
    assert "has this roll number" in again.text


def test_another_campus_may_have_the_same_roll_number(world: World) -> None:
    data = {"roll_number": "N01", "name": "Kiran"}
    assert world.browser("omar").post("/batches/south-a/students/new", data=data).status_code == 302
    assert world.services.accounts.find_by_login("n01@south") is not None


def test_a_student_is_changed_and_moved_within_the_campus_only(world: World) -> None:
    meera = world.browser("meera")
    data = {"roll_number": "N01", "name": "Asha K. Nair", "email": "asha.k@example.edu", "batch_id": "north-b"}
    assert meera.post("/students/asha", data=data).status_code == 302
    assert (world.student("asha").name, world.student("asha").batch_id) == ("Asha K. Nair", "north-b")
    assert world.account("asha").email == "asha.k@example.edu"
    assert meera.post("/students/asha", data={**data, "batch_id": "south-a"}).status_code == 422
    assert meera.post("/students/asha", data={**data, "roll_number": "n02"}).status_code == 422
    assert world.actions() == ["student_moved"]


def test_a_disabled_student_is_out_at_once_and_comes_back_with_the_same_password(world: World) -> None:
    meera, asha = world.browser("meera"), world.browser("asha")
    assert meera.post("/students/asha/disable").status_code == 302
    assert asha.get("/api/session").status_code == 401
    assert meera.post("/students/asha/enable").status_code == 302
    signed_in = world.anonymous().post("/sign-in", data={"login": "asha@example.edu", "secret": PASSWORD})
    assert signed_in.status_code == 302


def test_names_that_are_code_are_only_shown(world: World) -> None:
    meera = world.browser("meera")
    data = {"roll_number": "N66", "name": "<script>alert(1)</script>"}
    assert meera.post("/batches/north-a/students/new", data=data).status_code == 302
    assert "<script>alert" not in meera.get("/batches/north-a").text


def test_operators_of_the_database_are_only_text(world: World) -> None:
    reply = world.browser("meera").post(
        "/api/batches/north-a/students", json={"roll_number": {"$ne": None}, "name": "A"}
    )
    assert reply.status_code == 422
    assert world.browser("meera").get("/students?q[$ne]=1").status_code == 200


def test_fields_that_nobody_may_send_are_refused(world: World) -> None:
    reply = world.browser("meera").post(
        "/api/batches/north-a/students",
        json={"roll_number": "N50", "name": "A", "campus_id": "south", "state": "disabled"},
    )
    assert reply.status_code == 422
    assert world.services.students.find_by_rolls("north", ["n50"]) == {}


def test_students_are_read_in_pages(world: World) -> None:
    meera = world.browser("meera")
    first = meera.get("/api/batches/north-a/students?limit=1").json
    assert [s["roll_number"] for s in first["students"]] == ["N01"]
    second = meera.get(f"/api/batches/north-a/students?limit=1&after={first['next_after']}").json
    assert [s["roll_number"] for s in second["students"]] == ["N02"]
    assert second["next_after"] is None
    assert "password_hash" not in str(first)


# -- cards and invitations -------------------------------------------------------------------------------------------


def card_texts(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def test_a_printed_card_opens_the_login_and_the_next_print_ends_it(world: World) -> None:
    meera = world.browser("meera")
    first = meera.post("/batches/north-a/login-cards.pdf")
    assert first.mimetype == "application/pdf"
    assert b"/MarkInfo" in first.data  # tagged: a screen reader can follow it
    text = card_texts(first.data)
    assert "Asha Nair" in text
    assert "asha@example.edu" in text
    code = next(word for word in text.split() if len(word) == 11 and word[5] == "-" and word.isupper())
    meera.post("/batches/north-a/login-cards.pdf")
    opened = [
        world.anonymous().post("/sign-in", data={"login": login, "secret": code}).status_code
        for login in ("asha@example.edu", "ravi@example.edu")
    ]
    assert opened == [422, 422]
    again = card_texts(meera.post("/students/asha/login-card.pdf").data)
    code = next(word for word in again.split() if len(word) == 11 and word[5] == "-" and word.isupper())
    opened_now = world.anonymous().post("/sign-in", data={"login": "asha@example.edu", "secret": code})
    assert opened_now.location.startswith("/choose-password")
    assert world.actions() == ["login_cards_issued"] * 3


def test_cards_only_for_those_without_a_password(world: World) -> None:
    world.services.accounts.change("ravi", password_hash=None, state=AccountState.INVITED)
    text = card_texts(world.browser("meera").post("/batches/north-a/login-cards.pdf", data={"who": "waiting"}).data)
    assert "Ravi Das" in text
    assert "Asha Nair" not in text


def test_inviting_a_batch_asks_only_those_who_still_need_it(world: World) -> None:
    world.services.accounts.change("ravi", password_hash=None, state=AccountState.INVITED)
    assert world.browser("meera").post("/batches/north-a/invite").status_code == 302
    assert world.services.jobs.waiting_jobs == [(SEND_INVITATION, ("ravi", "meera"))]  # type: ignore[attr-defined]


# -- audit -----------------------------------------------------------------------------------------------------------


def test_the_audit_log_is_the_campuss_own(world: World) -> None:
    world.browser("meera").post("/students/asha/disable")
    assert "Meera Iyer" in world.browser("meera").get("/audit").text
    assert "Meera Iyer" not in world.browser("omar").get("/audit").text
    assert "Meera Iyer" in world.browser("sushma").get("/audit").text


def test_the_audit_log_is_read_in_pages(world: World) -> None:
    meera = world.browser("meera")
    for _ in range(30):
        world.clock.move(seconds=1)
        meera.post("/students/asha/disable")
        meera.post("/students/asha/enable")
    first = meera.get("/audit").text
    assert "Earlier" in first
    older = first.split('href="/audit?before=')[1].split('"')[0]
    assert "Latest" in meera.get(f"/audit?before={older}").text
