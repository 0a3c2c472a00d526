"""Accounts, codes, campuses, courses, batches, students, audit log: one suite over memory and MongoDB."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.core.actor import Role
from backend.core.errors import Conflict
from backend.features.accommodations import mongo as accommodations_mongo
from backend.features.accommodations.memory import MemoryAccommodations
from backend.features.accommodations.model import Accommodation, Measures, ended
from backend.features.accounts import mongo as accounts_mongo
from backend.features.accounts.memory import MemoryAccounts, MemoryOneTimeCodes
from backend.features.accounts.model import Account, AccountState, CodePurpose, OneTimeCode
from backend.features.audit import mongo as audit_mongo
from backend.features.audit.memory import MemoryAuditLog
from backend.features.audit.usecases import event_of, record
from backend.features.batches import mongo as batches_mongo
from backend.features.batches.memory import MemoryBatches
from backend.features.batches.model import Batch, BatchState
from backend.features.campuses import mongo as campuses_mongo
from backend.features.campuses.memory import MemoryCampuses
from backend.features.campuses.model import Campus
from backend.features.courses import mongo as courses_mongo
from backend.features.courses.memory import MemoryCourses
from backend.features.courses.model import Course
from backend.features.students import mongo as students_mongo
from backend.features.students.memory import MemoryStudents
from backend.features.students.model import Student, StudentState, name_key, roll_key
from backend.storage import ensure_collections

NOW = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
MODULES = (
    accommodations_mongo,
    accounts_mongo,
    audit_mongo,
    batches_mongo,
    campuses_mongo,
    courses_mongo,
    students_mongo,
)


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.services)])
def database(request):
    if request.param == "memory":
        return None
    database = request.getfixturevalue("mongo_database")
    ensure_collections(database, [spec for module in MODULES for spec in module.COLLECTIONS])
    return database


def account(number: int = 1, **changes: object) -> Account:
    made = Account(
        id=f"a{number}",
        login=f"a{number}@example.edu",
        email=f"A{number}@example.edu",
        display_name=f"Person {number}",
        role=Role.CAMPUS,
        campus_id="north",
        state=AccountState.INVITED,
        password_hash=None,
        created_at=NOW,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def student(number: int = 1, **changes: object) -> Student:
    made = Student(
        id=f"s{number}",
        campus_id="north",
        batch_id="a",
        roll_number=f"N{number:03}",
        name=f"Student {number}",
        email=None,
        login=f"n{number:03}@north",
        state=StudentState.ACTIVE,
        roll_key=f"n{number:03}",
        name_key=f"student {number}",
        created_at=NOW,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


# -- accounts --------------------------------------------------------------------------------------------------------


@pytest.fixture
def accounts(database):
    return MemoryAccounts() if database is None else accounts_mongo.MongoAccounts(database)


def test_an_account_is_found_by_id_login_and_address(accounts) -> None:
    one = account()
    accounts.add(one)
    assert accounts.find("a1") == one
    assert accounts.find("a2") is None
    assert accounts.find_by_login("a1@example.edu") == one
    assert accounts.find_by_login("nobody") is None
    assert accounts.list_by_email("a1@example.edu") == [one]
    assert accounts.find_many(["a1", "a2"]) == {"a1": one}
    assert accounts.find_by_logins(["a1@example.edu", "x"]) == {"a1@example.edu": one}


def test_a_login_belongs_to_one_account(accounts) -> None:
    accounts.add(account(1))
    with pytest.raises(Conflict):
        accounts.add(account(2, login="a1@example.edu"))
    with pytest.raises(Conflict):
        accounts.add_many([account(3), account(4, login="a1@example.edu")])
    assert accounts.find("a2") is None


def test_many_accounts_are_added_at_once_and_accounts_without_address_do_not_meet(accounts, monkeypatch) -> None:
    monkeypatch.setattr(accounts_mongo, "CHUNK", 10)
    accounts.add_many([account(number, email=None) for number in range(25)])
    accounts.add_many([])
    assert len(accounts.find_many([f"a{number}" for number in range(25)])) == 25
    assert accounts.list_by_email("none") == []


def test_an_account_is_changed_and_found_by_its_new_address(accounts) -> None:
    accounts.add(account())
    accounts.change("a1", state=AccountState.ACTIVE, password_hash="h", last_sign_in_at=NOW, email="New@example.edu")
    accounts.change("nobody", display_name="x")
    expected = account(state=AccountState.ACTIVE, password_hash="h", last_sign_in_at=NOW, email="New@example.edu")
    assert accounts.find("a1") == expected
    assert accounts.list_by_email("new@example.edu") == [expected]
    assert accounts.list_by_email("a1@example.edu") == []


def test_admins_are_listed_by_campus_in_the_order_of_logins(accounts) -> None:
    for number in (3, 1, 2):
        accounts.add(account(number))
    accounts.add(account(4, campus_id="south"))
    accounts.add(account(5, role=Role.STUDENT))
    assert [one.id for one in accounts.list_by_role(Role.CAMPUS, campus_id="north")] == ["a1", "a2", "a3"]
    assert not accounts.has_role(Role.SUPERADMIN)
    accounts.add(account(6, role=Role.SUPERADMIN, campus_id=None))
    assert accounts.has_role(Role.SUPERADMIN)
    assert [one.id for one in accounts.list_by_role(Role.SUPERADMIN, campus_id=None)] == ["a6"]


# -- codes -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def codes(database):
    return MemoryOneTimeCodes() if database is None else accounts_mongo.MongoOneTimeCodes(database)


def code(code_id: str = "c1", account_id: str = "a1", purpose: CodePurpose = CodePurpose.INVITATION) -> OneTimeCode:
    return OneTimeCode(
        id=code_id, account_id=account_id, purpose=purpose, created_at=NOW, expires_at=NOW + timedelta(days=1)
    )


def test_a_new_code_replaces_those_of_its_account_and_purpose(codes) -> None:
    codes.add_only(code("c1"))
    codes.add_only(code("c2", purpose=CodePurpose.RESET))
    codes.add_only(code("c3", account_id="a2"))
    codes.add_only(code("c4"))
    assert [codes.find(name) is not None for name in ("c1", "c2", "c3", "c4")] == [False, True, True, True]
    codes.remove("a1", CodePurpose.INVITATION)
    codes.remove("a1", CodePurpose.INVITATION)
    assert codes.find("c4") is None


def test_a_code_is_used_once(codes) -> None:
    codes.add_only(code())
    assert codes.use("c1", at=NOW)
    assert not codes.use("c1", at=NOW)
    assert not codes.use("nothing", at=NOW)
    used = codes.find("c1")
    assert used is not None
    assert not used.is_usable(CodePurpose.INVITATION, at=NOW)


def test_codes_of_a_whole_batch(codes) -> None:
    codes.add_only_many([code(f"x{n}", account_id=f"a{n}", purpose=CodePurpose.LOGIN_CARD) for n in range(60)])
    codes.add_only_many([code(f"y{n}", account_id=f"a{n}", purpose=CodePurpose.LOGIN_CARD) for n in range(60)])
    codes.add_only_many([])
    assert codes.find("x7") is None
    assert codes.find("y7") is not None


# -- campuses, courses, batches --------------------------------------------------------------------------------------


def test_campuses(database) -> None:
    campuses = MemoryCampuses() if database is None else campuses_mongo.MongoCampuses(database)
    north = Campus(id="n", name="North", slug="north", time_zone="Asia/Kolkata", created_at=NOW)
    campuses.add(north)
    campuses.add(replace(north, id="4", slug="4th"))
    campuses.add(replace(north, id="z", slug="zz-top"))
    with pytest.raises(Conflict):
        campuses.add(replace(north, id="other"))
    campuses.change("n", name="Northern")
    assert campuses.find("n") == replace(north, name="Northern")
    assert campuses.find("nobody") is None
    assert [campus.slug for campus in campuses.list_all()] == ["4th", "north", "zz-top"]
    assert set(campuses.find_many(["n", "nobody"])) == {"n"}


def test_courses(database) -> None:
    courses = MemoryCourses() if database is None else courses_mongo.MongoCourses(database)
    one = Course(id="c1", campus_id="north", name="Computer Science", code="BSC", code_key="bsc", created_at=NOW)
    courses.add(one)
    courses.add(replace(one, id="c2", code="BA", code_key="ba"))
    courses.add(replace(one, id="c3", campus_id="south"))
    with pytest.raises(Conflict):
        courses.add(replace(one, id="c4"))
    with pytest.raises(Conflict):
        courses.change("c2", code="BSC", code_key="bsc")
    courses.change("c2", name="English")
    assert [course.id for course in courses.list_by_campus("north")] == ["c2", "c1"]
    assert courses.find("c2") == replace(one, id="c2", code="BA", code_key="ba", name="English")
    assert set(courses.find_many(["c1", "x"])) == {"c1"}


def test_batches(database) -> None:
    batches = MemoryBatches() if database is None else batches_mongo.MongoBatches(database)
    one = Batch(
        id="b1",
        campus_id="north",
        course_id="c1",
        name="2026",
        name_key="2026",
        state=BatchState.ACTIVE,
        created_at=NOW,
    )
    batches.add(one)
    batches.add(replace(one, id="b2", name="2027", name_key="2027", created_at=NOW + timedelta(days=1)))
    batches.add(replace(one, id="b3", campus_id="south", course_id="c9"))
    with pytest.raises(Conflict):
        batches.add(replace(one, id="b4"))
    with pytest.raises(Conflict):
        batches.change("b2", name="2026", name_key="2026")
    assert [batch.id for batch in batches.list_by_campus("north")] == ["b2", "b1"]
    batches.change("b1", state=BatchState.ARCHIVED)
    assert [batch.id for batch in batches.list_by_campus("north")] == ["b2"]
    assert [batch.id for batch in batches.list_by_campus("north", state=BatchState.ARCHIVED)] == ["b1"]
    assert batches.count_by_campus("north") == 1
    assert batches.count_by_campus("nowhere") == 0
    assert set(batches.find_many(["b1", "b3", "x"])) == {"b1", "b3"}
    assert batches.find("b1") == replace(one, state=BatchState.ARCHIVED)


# -- students --------------------------------------------------------------------------------------------------------


@pytest.fixture
def students(database):
    return MemoryStudents() if database is None else students_mongo.MongoStudents(database)


def test_a_roll_number_belongs_to_one_student_of_a_campus(students) -> None:
    students.add(student(1))
    students.add(student(2, campus_id="south", roll_key="n001"))
    with pytest.raises(Conflict):
        students.add(student(3, roll_key="n001"))
    students.add(student(4))
    with pytest.raises(Conflict):
        students.change("s4", roll_key="n001")
    assert set(students.find_by_rolls("north", ["n001", "n004", "n999"])) == {"n001", "n004"}
    assert students.find_by_rolls("nowhere", ["n001"]) == {}


def test_students_of_a_batch_come_by_roll_number_in_pages(students) -> None:
    students.add_many([student(number) for number in (5, 3, 1, 4, 2)])
    students.add(student(6, batch_id="b"))
    assert [one.id for one in students.list_by_batch("a")] == ["s1", "s2", "s3", "s4", "s5"]
    assert [one.id for one in students.list_by_batch("a", limit=2)] == ["s1", "s2"]
    assert [one.id for one in students.list_by_batch("a", after="n002", limit=2)] == ["s3", "s4"]
    assert students.list_by_batch("a", after="n005") == []
    assert students.count_by_batch("a") == 5
    assert students.count_by_campus("north") == 6
    assert students.count_by_campus("nowhere") == 0


@pytest.mark.parametrize(
    ("prefix", "found"),
    [("n00", ["s1", "s2", "s3"]), ("ash", ["s1"]), ("आ", ["s3"]), ("zz", []), ("a.", []), (".*", []), ("ra", ["s2"])],
)
def test_students_are_found_by_the_beginning_of_number_or_name(students, prefix: str, found: list[str]) -> None:
    for number, name in ((1, "Asha Nair"), (2, "Ravi Das"), (3, "आशा")):
        students.add(student(number, name=name, name_key=name_key(name), roll_key=roll_key(f"N00{number}")))
    students.add(student(9, campus_id="south", name_key="asha", roll_key="n009"))
    assert [one.id for one in students.search("north", prefix)] == found


def test_a_student_is_changed(students) -> None:
    students.add(student(1))
    students.change("s1", state=StudentState.DISABLED, email="a@example.edu", batch_id="b")
    assert students.find("s1") == student(1, state=StudentState.DISABLED, email="a@example.edu", batch_id="b")
    assert students.find("s2") is None
    assert set(students.find_many(["s1", "s2"])) == {"s1"}


def test_many_students_at_once(students, monkeypatch) -> None:
    monkeypatch.setattr(students_mongo, "CHUNK", 10)
    students.add_many([student(number) for number in range(25)])
    assert students.count_by_batch("a") == 25
    assert len(students.find_by_rolls("north", [f"n{number:03}" for number in range(25)])) == 25
    with pytest.raises(Conflict):
        students.add_many([student(5000, roll_key="other"), student(5001, roll_key="n001")])


# -- audit -----------------------------------------------------------------------------------------------------------


def test_the_audit_log_comes_latest_first_in_pages(database) -> None:
    log = MemoryAuditLog() if database is None else audit_mongo.MongoAuditLog(database)
    ids = iter(f"i{number}" for number in range(100))
    for number in range(6):
        record(
            actor_id="meera",
            campus_id="north" if number % 2 else None,
            action=f"did_{number}",
            subject_kind="student",
            subject_id="s1",
            audit_log=log,
            now=NOW + timedelta(seconds=number // 2),
            new_id=lambda: next(ids),
            rows=number,
        )
    everything = log.list_all(limit=4)
    assert [event.action for event in everything] == ["did_5", "did_4", "did_3", "did_2"]
    assert [event.action for event in log.list_all(before=everything[-1].order)] == ["did_1", "did_0"]
    norths = log.list_by_campus("north", limit=2)
    assert [event.action for event in norths] == ["did_5", "did_3"]
    assert [event.action for event in log.list_by_campus("north", before=norths[-1].order)] == ["did_1"]
    assert norths[0].details == {"rows": "5"}
    assert log.list_by_campus("south") == []


# -- indexes ---------------------------------------------------------------------------------------------------------

QUERIES: tuple[tuple[str, dict[str, Any], list[tuple[str, int]]], ...] = (
    ("accounts", {"login": "a"}, []),
    ("accounts", {"login": {"$in": ["a", "b"]}}, []),
    ("accounts", {"email_key": "a"}, []),
    ("accounts", {"role": "campus", "campus_id": "north"}, [("login", 1)]),
    ("accounts", {"role": "superadmin"}, []),
    ("one_time_codes", {"account_id": "a", "purpose": "reset"}, []),
    ("campuses", {"slug": {"$gte": "0", "$lt": "{"}}, [("slug", 1)]),
    ("courses", {"campus_id": "north"}, [("code_key", 1)]),
    ("batches", {"campus_id": "north", "state": "active"}, [("created_at", -1)]),
    ("students", {"campus_id": "north", "roll_key": {"$in": ["a", "b"]}}, []),
    ("students", {"campus_id": "north", "roll_key": {"$gte": "a", "$lt": "b"}}, [("roll_key", 1)]),
    ("students", {"campus_id": "north", "name_key": {"$gte": "a", "$lt": "b"}}, [("name_key", 1)]),
    ("students", {"batch_id": "a", "roll_key": {"$gt": "", "$lt": "z"}}, [("roll_key", 1)]),
    ("students", {"campus_id": "north"}, []),
    ("students", {"batch_id": "a"}, []),
    ("audit_events", {"campus_id": "north", "order": {"$gte": "0", "$lt": "9"}}, [("order", -1)]),
    ("audit_events", {"order": {"$gte": "0", "$lt": "9"}}, [("order", -1)]),
)


@pytest.mark.services
def test_every_query_uses_an_index(mongo_database) -> None:
    ensure_collections(mongo_database, [spec for module in MODULES for spec in module.COLLECTIONS])
    for collection, wanted, sort in QUERIES:
        cursor = mongo_database[collection].find(wanted)
        plan = str((cursor.sort(sort) if sort else cursor).explain())
        assert "IXSCAN" in plan, (collection, wanted)
        assert "COLLSCAN" not in plan, (collection, wanted)


def test_accommodations(database) -> None:
    kept: Any = accommodations_mongo.MongoAccommodations(database) if database is not None else MemoryAccommodations()
    first = Accommodation(
        id="one",
        campus_id="north",
        student_id="s1",
        measures=Measures(extra_time=1.25, larger_text=True, no_silence_end=True),
        reason="Approved",
        granted_by="a1",
        granted_at=NOW,
    )
    later = replace(first, id="two", granted_at=NOW + timedelta(days=1))
    assert kept.add(first)
    assert not kept.add(first)
    assert kept.add(later)
    assert kept.find("one") == first
    assert [each.id for each in kept.list_by_student("s1")] == ["two", "one"]
    assert {each.id for each in kept.list_by_campus("north")} == {"one", "two"}
    assert kept.list_by_campus("south") == []
    over = ended(first, by="a2", at=NOW + timedelta(days=2))
    assert kept.end(over)
    assert not kept.end(over)
    assert kept.find("one") == over


@pytest.mark.services
def test_a_grant_from_before_silence_could_be_switched_off_is_read(mongo_database) -> None:
    kept = accommodations_mongo.MongoAccommodations(mongo_database)
    measures = {"extra_time": 1.25, "break_minutes": 0, "replays": 0, "larger_text": False}
    document = {"_id": "old", "campus_id": "north", "student_id": "s1", "measures": measures}
    mongo_database["accommodations"].insert_one(
        document | {"reason": "Approved", "granted_by": "a1", "granted_at": NOW, "ended_by": None, "ended_at": None}
    )
    (found,) = kept.list_by_student("s1")
    assert found.measures == Measures(extra_time=1.25)
    assert found.is_in_force


def test_audit_entries_with_an_id_of_their_own_are_added_once(database) -> None:
    log: Any = audit_mongo.MongoAuditLog(database) if database is not None else MemoryAuditLog()
    events = [
        event_of(
            event_id=f"control:{name}",
            actor_id="a1",
            campus_id="north",
            action="attempt_paused",
            subject_kind="attempt",
            subject_id=name,
            now=NOW,
        )
        for name in ("x", "y", "z")
    ]
    log.add_absent(events[:2])
    log.add_absent(events)
    assert sorted(event.subject_id for event in log.list_by_campus("north")) == ["x", "y", "z"]
