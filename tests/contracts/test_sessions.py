"""Who is signed in: one suite over memory and Redis."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import redis

from backend.adapters.sessions.memory import MemorySessions
from backend.adapters.sessions.redis import RedisSessions
from backend.adapters.sessions.remembered import BELIEVED_S, DEAF_AFTER_S, KEPT_S, RememberedSessions
from backend.core.errors import TemporaryFailure
from backend.core.ports import Session, Sessions
from scripts.faults.proxy import Loop, Proxy, addresses_through, host_and_port

NOW = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)


KINDS = ["memory", *(pytest.param(kind, marks=pytest.mark.services) for kind in ("redis", "remembered"))]


@pytest.fixture(params=KINDS)
def sessions(request):
    if request.param == "memory":
        yield MemorySessions()
        return
    url = f"{request.getfixturevalue('redis_url')}/9"
    kept = RedisSessions(url, lifetime=timedelta(hours=12))
    if request.param == "redis":
        yield kept
    else:
        remembered = RememberedSessions(kept, url)
        yield remembered
        remembered.close()
    with redis.Redis.from_url(url) as client:
        client.flushdb()


def session(session_id: str = "s1", **changes: object) -> Session:
    made = Session(
        id=session_id,
        account_id="asha",
        role="student",
        campus_id="north",
        display_name="Zoë “Asha” Nair",
        csrf="token",
        client="browser",
        refresh_id="r1",
        previous_refresh_id="",
        is_confirmed=True,
        rotated_at=NOW,
        started_at=NOW,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def _hear(sessions: Sessions, count: int) -> list[str]:
    """What ended, as it comes in; at most a few seconds."""
    heard: list[str] = []
    for _ in range(20):
        heard += sessions.hear_endings(wait_s=0.3)
        if len(heard) >= count:
            break
    return sorted(heard)


def _listen(sessions: Sessions) -> None:
    """Until what ends is heard: a subscription takes a moment, of which nobody is told."""
    for _ in range(50):
        sessions.add(session("probe", account_id="nobody"))
        sessions.revoke("probe")
        if sessions.hear_endings(wait_s=0.2):
            break
    while sessions.hear_endings(wait_s=0.1):
        pass


def test_endings_are_heard_and_nothing_else(sessions) -> None:
    _listen(sessions)
    for one in (session(), session("s2"), session("s3"), session("other", account_id="ravi")):
        sessions.add(one)
    assert sessions.rotate("s3", seen="r1", successor="r2", now=NOW)
    sessions.confirm("s3", "r2")
    sessions.revoke("s1")
    assert _hear(sessions, 1) == ["s1"]
    sessions.hang_up("asha")
    assert _hear(sessions, 2) == ["s2", "s3"]
    assert sessions.find("s2") is not None
    sessions.revoke_account("asha", but="s3")
    assert _hear(sessions, 1) == ["s2"]
    assert list(sessions.list_gone(["s1", "s2", "s3", "other"])) == ["s1", "s2"]


def test_a_session_is_found_as_it_was_added(sessions) -> None:
    for one in (session(), session("s2", campus_id=None, limited_to="choose_password", is_confirmed=False)):
        sessions.add(one)
        assert sessions.find(one.id) == one
    assert sessions.find("nothing") is None


def test_rotation_takes_the_present_token_only(sessions) -> None:
    sessions.add(session())
    assert not sessions.rotate("s1", seen="foreign", successor="x", now=LATER)
    assert not sessions.rotate("nothing", seen="r1", successor="x", now=LATER)
    assert sessions.rotate("s1", seen="r1", successor="r2", now=LATER)
    assert sessions.find("s1") == session(
        refresh_id="r2", previous_refresh_id="r1", is_confirmed=False, rotated_at=LATER
    )


def test_the_previous_token_rotates_until_the_present_one_was_seen(sessions) -> None:
    sessions.add(session())
    assert sessions.rotate("s1", seen="r1", successor="r2", now=LATER)
    assert sessions.rotate("s1", seen="r1", successor="r3", now=LATER)
    sessions.confirm("s1", "r2")  # not the present one: nothing
    assert sessions.rotate("s1", seen="r1", successor="r4", now=LATER)
    sessions.confirm("s1", "r4")
    sessions.confirm("nothing", "r4")
    assert not sessions.rotate("s1", seen="r1", successor="r5", now=LATER)
    assert sessions.rotate("s1", seen="r4", successor="r5", now=LATER)


def test_of_many_rotations_with_a_confirmed_token_each_finds_one_winner(sessions) -> None:
    sessions.add(session())

    def rotate(number: int) -> bool:
        won = bool(sessions.rotate("s1", seen="r1", successor=f"n{number}", now=LATER))
        if won:
            sessions.confirm("s1", f"n{number}")
        return won

    with ThreadPoolExecutor(8) as pool:
        won = sum(pool.map(rotate, range(40)))
    found = sessions.find("s1")
    assert won >= 1
    assert found.previous_refresh_id == "r1"


def test_a_campus_is_signed_out_whole_and_no_other(sessions) -> None:
    _listen(sessions)
    ours = [session(f"n{number}", account_id=f"student-{number}") for number in range(3)]
    others = [session("south", account_id="salma", campus_id="south"), session("above", campus_id=None)]
    for one in (*ours, *others):
        sessions.add(one)
    sessions.revoke_campus("north")
    assert _hear(sessions, 3) == ["n0", "n1", "n2"]
    assert [sessions.find(one.id) for one in ours] == [None] * 3
    assert [sessions.find(one.id) for one in others] == others
    sessions.revoke_campus("north")
    assert list(sessions.hear_endings(wait_s=0)) == []


def test_revocation_of_one_of_all_and_of_all_but_one(sessions) -> None:
    for name in ("s1", "s2", "s3"):
        sessions.add(session(name))
    sessions.add(session("other", account_id="ravi"))
    sessions.revoke("s1")
    sessions.revoke("s1")
    assert sessions.find("s1") is None
    sessions.revoke_account("asha", but="s2")
    assert [sessions.find(name) is not None for name in ("s2", "s3", "other")] == [True, False, True]
    sessions.revoke_account("asha")
    sessions.revoke_account("asha")
    assert sessions.find("s2") is None
    assert sessions.find("other") is not None


class CountedSessions(RedisSessions):
    asked = 0

    def find(self, session_id: str) -> Session | None:
        self.asked += 1
        return super().find(session_id)


def asks(sessions: RememberedSessions, kept: CountedSessions) -> bool:
    """Whether Redis is asked for the session."""
    before = kept.asked
    sessions.find("s1")
    return kept.asked > before


@pytest.fixture
def listening(redis_url):
    """Two web processes' sessions, both listening, and a clock that is moved by hand."""
    url, moment = f"{redis_url}/9", [0.0]
    kept = CountedSessions(url, lifetime=timedelta(hours=12))
    both = [RememberedSessions(kept, url, clock=lambda: moment[0]) for _ in range(2)]
    kept.add(session())
    for one in both:
        wait_until(lambda one=one: one.find("s1") is not None and not asks(one, kept))
    yield *both, kept, moment
    for one in both:
        one.close()
    with redis.Redis.from_url(url) as client:
        client.flushdb()


def wait_until(question) -> None:
    deadline = time.monotonic() + 10
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.services
def test_what_one_process_revokes_the_other_forgets_at_once(listening) -> None:
    here, there, kept, _ = listening
    here.revoke("s1")
    assert here.find("s1") is None
    wait_until(lambda: asks(there, kept))
    assert there.find("s1") is None


@pytest.mark.services
def test_a_rotation_elsewhere_is_heard_of(listening) -> None:
    here, there, _, _ = listening
    assert here.rotate("s1", seen="r1", successor="r2", now=LATER)
    wait_until(lambda: there.find("s1").refresh_id == "r2")
    here.confirm("s1", "r2")
    wait_until(lambda: there.find("s1").is_confirmed)
    here.revoke_account("asha")
    wait_until(lambda: there.find("s1") is None)


@pytest.mark.services
def test_a_process_that_hears_nothing_asks_redis_each_time(listening, redis_url) -> None:
    here, _, _, moment = listening
    with redis.Redis.from_url(f"{redis_url}/9") as client:
        client.delete("session:s1")  # gone without news
    assert here.find("s1") is not None
    moment[0] += DEAF_AFTER_S
    assert here.find("s1") is None


@pytest.mark.services
def test_while_redis_is_away_what_was_known_last_is_believed_for_a_time(redis_url) -> None:
    url, moment, loop = f"{redis_url}/9", [0.0], Loop()
    door = Proxy(loop, target=host_and_port(url))
    through_door = addresses_through({"redis_url": url}, {"queue": door.port})["redis_url"]
    elsewhere = RedisSessions(url, lifetime=timedelta(hours=12))
    kept = CountedSessions(through_door, lifetime=timedelta(hours=12))
    here = RememberedSessions(kept, through_door, clock=lambda: moment[0])
    try:
        elsewhere.add(session())
        wait_until(lambda: here.find("s1") is not None and not asks(here, kept))
        door.set("refuse")
        moment[0] += KEPT_S
        wait_until(lambda: _finds(here, session()))
        with pytest.raises(TemporaryFailure):
            here.rotate("s1", seen="r1", successor="r2", now=LATER)
        assert here.find("s1") == session(), "what could not be changed is still believed"
        with pytest.raises(TemporaryFailure):
            here.find("nobody's")
        moment[0] += BELIEVED_S + 1
        with pytest.raises(TemporaryFailure):
            here.find("s1")
        elsewhere.revoke("s1")
        door.set("pass")
        wait_until(lambda: _finds(here, None))
    finally:
        here.close()
        door.close()
        loop.stop()
        with redis.Redis.from_url(url) as client:
            client.flushdb()


def _finds(sessions: Sessions, wanted: Session | None) -> bool:
    try:
        return sessions.find("s1") == wanted
    except TemporaryFailure:
        return False


@pytest.mark.services
def test_a_session_that_ended_without_news_is_forgotten_after_a_while(listening, redis_url) -> None:
    here, _, _, moment = listening
    with redis.Redis.from_url(f"{redis_url}/9") as client:
        client.delete("session:s1")
    moment[0] += KEPT_S
    assert here.find("s1") is None


@pytest.mark.services
def test_an_unused_session_expires_and_a_used_one_is_prolonged(redis_url: str) -> None:
    url = f"{redis_url}/9"
    sessions = RedisSessions(url, lifetime=timedelta(seconds=100))
    sessions.add(session())
    with redis.Redis.from_url(url, decode_responses=True) as client:
        client.expire("session:s1", 5)
        assert sessions.rotate("s1", seen="r1", successor="r2", now=LATER)
        assert 90 < client.ttl("session:s1") <= 100
        assert 90 < client.ttl("account_sessions:asha") <= 100
        client.flushdb()


def test_redis_that_does_not_answer_is_a_temporary_failure() -> None:
    sessions = RedisSessions("redis://127.0.0.1:1/0", lifetime=timedelta(hours=1))
    with pytest.raises(TemporaryFailure):
        sessions.find("s1")
