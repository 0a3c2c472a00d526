"""One engine for all answers of a delivery: bound by the first, waited for, left only as a whole."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.core.errors import Conflict, EngineFailure, NotFound, RuleViolation
from backend.features.attempts.model import AttemptState
from backend.features.attempts.responses import MAX_TRIES, ResponseState, requeued
from backend.features.ratings.cohort import Cohort, heard, latest_version, moved, next_engine, older_versions
from backend.features.ratings.memory import MemoryListener
from backend.features.ratings.moving import FINISH_MOVE, finish_move, move_to
from backend.features.ratings.tasks import desk_of, judges_of
from backend.features.ratings.usecases import score_response, sweep
from backend.features.ratings.watching import describe_engine
from backend.features.results.tasks import settle
from backend.scoring.keys import RepeatKey
from tests.support.builders_results import COMPLETED, TASKS
from tests.support.exam import MEERA, OMAR, WEBM
from tests.support.results_world import furnish_results, make_response, sit
from tests.support.services_memory import build_memory_services, memory_settings
from tests.support.speech import evidence

TEXT = "We walked to the old market."
REPEATS = [place for place, task in enumerate(TASKS) if task == "repeat"][:3]
DOWN = EngineFailure("engine_unreachable")
BROKEN = EngineFailure("engine_refused", is_permanent=True)


@pytest.fixture
def listener():
    return MemoryListener(lambda _, task: evidence(task, TEXT), engines=("azure", "offline"))


@pytest.fixture
def services(listener):
    settings = memory_settings().with_values(speech_switch_minutes=30)
    services = furnish_results(build_memory_services(listener=listener, settings=settings))
    sit(services, "asha")
    for place in REPEATS:
        seen = services.responses.find(f"attempt_asha:{place}")
        queued = make_response("asha", place, state=ResponseState.QUEUED, score=None, revision=seen.revision + 1)
        services.responses.save(queued, seen=seen)
        services.blobs.put(f"recordings/north/asha-{place}", WEBM, content_type="audio/webm")
        services.scoring_keys.add(f"item{place}", 1, RepeatKey(text=TEXT))
    return services


@pytest.fixture
def score(services):
    def score(place):
        seen = services.responses.find(f"attempt_asha:{place}")
        if seen.not_before is not None:
            services.now.moment = max(services.now.moment, seen.not_before)
        score_response(response_id=seen.id, desk=desk_of(services), judges=judges_of(services), clock=services.now)
        finish_moves(services)
        return services.responses.find(seen.id)

    return score


def finish_moves(services):
    """Does the moves that wait as jobs; how many answers they queued."""
    waiting = [arguments[0] for job, arguments in services.jobs.waiting_jobs if job == FINISH_MOVE]
    services.jobs.waiting_jobs[:] = [each for each in services.jobs.waiting_jobs if each[0] != FINISH_MOVE]
    return sum(finish_move(delivery_id=each, desk=desk_of(services), now=services.now()) for each in waiting)


def decide(services, engine="offline", *, actor=MEERA, reason="The vendor has an outage."):
    return move_to(
        actor=actor,
        delivery_id="delivery",
        engine=engine,
        engines=("azure", "offline"),
        reason=reason,
        desk=desk_of(services),
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )


def engine_of(response):
    return response.score["explanation"]["engine"]["name"]


def test_the_first_answer_binds_its_delivery(score, services, listener):
    assert engine_of(score(REPEATS[0])) == "azure"
    bound = services.cohorts.find("delivery")
    assert (bound.engine, bound.down_since) == ("azure", None)
    listener.engines = ("offline", "azure")
    assert engine_of(score(REPEATS[1])) == "azure", "another order of the settings moves no cohort"


@pytest.mark.parametrize("failure", [DOWN, BROKEN])
def test_before_anything_is_scored_the_next_engine_stands_in(score, services, listener, failure):
    listener.down = {"azure": failure}
    assert engine_of(score(REPEATS[0])) == "offline"
    assert services.cohorts.find("delivery").engine == "offline"
    listener.down = {}
    assert engine_of(score(REPEATS[1])) == "offline", "never mixed, though azure is back"


def test_when_its_engine_is_down_answers_wait_and_no_try_is_counted(score, services, listener):
    score(REPEATS[0])
    listener.down = {"azure": DOWN}
    for _ in range(8):
        waiting = score(REPEATS[1])
        assert waiting.state is ResponseState.QUEUED
        assert (waiting.tries, waiting.reason) == (0, "engine_unreachable")
    assert services.cohorts.find("delivery").down_reason == "engine_unreachable"
    listener.down = {}
    assert engine_of(score(REPEATS[1])) == "azure"
    assert services.cohorts.find("delivery").down_since is None


def test_after_its_patience_the_whole_delivery_goes_to_the_next_engine(score, services, listener):
    score(REPEATS[0])
    listener.down = {"azure": DOWN}
    score(REPEATS[1])
    score(REPEATS[2])
    services.now.move(minutes=31)
    assert score(REPEATS[1]).state is ResponseState.QUEUED
    first = services.responses.find(f"attempt_asha:{REPEATS[0]}")
    assert first.state is ResponseState.QUEUED, "what azure scored is scored again"
    assert ("ratings.score_response", (first.id,)) in services.jobs.waiting_jobs
    bound = services.cohorts.find("delivery")
    assert (bound.engine, bound.tried, bound.leaving) == ("offline", ("azure",), None)
    assert [engine_of(score(place)) for place in REPEATS] == ["offline"] * 3


def test_without_patience_it_waits_for_ever(services, listener, score):
    object.__setattr__(services, "settings", memory_settings())
    score(REPEATS[0])
    listener.down = {"azure": DOWN}
    score(REPEATS[1])
    score(REPEATS[2])
    services.now.move(hours=72)
    assert [score(place).tries for place in REPEATS[1:]] == [0, 0]
    assert services.cohorts.find("delivery").engine == "azure"


def test_without_patience_a_single_answer_waits_for_an_hour(services, listener, score):
    object.__setattr__(services, "settings", memory_settings())
    score(REPEATS[0])
    listener.down = {"azure": DOWN}
    score(REPEATS[1])
    services.now.move(minutes=50)
    assert score(REPEATS[1]).tries == 0
    services.now.move(minutes=10)
    last = [score(REPEATS[1]) for _ in range(MAX_TRIES)][-1]
    assert (last.state, last.reason) == (ResponseState.FAILED, "engine_unreachable")


def test_with_one_engine_only_its_failure_is_the_answers(services, listener, score):
    listener.engines = ("offline",)
    listener.down = {"offline": BROKEN}
    failed = score(REPEATS[0])
    assert (failed.state, failed.reason) == (ResponseState.FAILED, "engine_refused")
    assert services.cohorts.find("delivery") is None


def test_a_move_that_a_crash_cut_is_finished_by_the_sweep(score, services):
    score(REPEATS[0])
    bound = services.cohorts.find("delivery")
    cut = replace(bound, engine="offline", tried=("azure",), leaving="azure", revision=bound.revision + 1)
    services.cohorts.save(cut, seen=bound)
    assert engine_of(score(REPEATS[1])) == "offline"
    services.jobs.waiting_jobs.clear()
    sweep(desk=desk_of(services), now=services.now())
    assert finish_moves(services)
    assert services.responses.find(f"attempt_asha:{REPEATS[0]}").state is ResponseState.QUEUED
    assert services.cohorts.find("delivery").leaving is None


def test_two_workers_at_once_agree_on_one_engine(services, listener, score):
    """The other worker bound the delivery while this one was listening."""

    def hear(_, task):
        services.cohorts.add(
            Cohort(id="delivery", campus_id="north", engine="offline", engine_version="1", bound_at=COMPLETED)
        )
        return evidence(task, TEXT)

    listener.hear = hear
    assert engine_of(score(REPEATS[0])) == "offline"
    assert listener.asked == ["azure", "offline"]


def test_silence_binds_nobody(services, listener, score):
    listener.hear = lambda _, task: evidence(task, "")
    score(REPEATS[0])
    assert services.cohorts.find("delivery") is None


def test_what_people_rated_is_not_taken_from_them(score, services, listener):
    rated = score(REPEATS[0])
    explanation = {**rated.score["explanation"], "rated_by_people": {"fluency": 4}}
    people = replace(rated, score={**rated.score, "explanation": explanation}, revision=rated.revision + 1)
    services.responses.save(people, seen=rated)
    listener.down = {"azure": DOWN}
    score(REPEATS[1])
    score(REPEATS[2])
    services.now.move(minutes=31)
    score(REPEATS[1])
    assert services.cohorts.find("delivery").engine == "offline"
    assert services.responses.find(rated.id).state is ResponseState.SCORED


def test_patience_is_counted_from_the_first_failure(services, listener, score):
    score(REPEATS[0])
    listener.down = {"azure": DOWN}
    score(REPEATS[1])
    since = services.cohorts.find("delivery").down_since
    services.now.move(minutes=10)
    score(REPEATS[1])
    bound = services.cohorts.find("delivery")
    assert bound.down_since == since
    assert services.now() - since < timedelta(minutes=30)
    assert bound.engine == "azure"


class TestOneRecordingThatTheEngineChokesOn:
    """It works for every other answer: that is no outage. Its failures are tries, and the delivery stays."""

    @pytest.fixture
    def chokes(self, services, listener):
        """Makes the engine fail at these alone."""
        gather = listener.gather

        def choke(*places):
            sounds = [f"chokes {place}".encode() for place in places]
            for place, sound in zip(places, sounds, strict=True):
                services.blobs.put(f"recordings/north/asha-{place}", sound, content_type="audio/webm")

            def gather_or_choke(recordings, *, engine, **rest):
                if engine == "azure" and recordings[0] in sounds:
                    raise BROKEN
                return gather(recordings, engine=engine, **rest)

            listener.gather = gather_or_choke

        return choke

    def test_it_ends_with_a_person_once_another_was_heard(self, services, score, chokes):
        chokes(REPEATS[1])
        for place in REPEATS:
            score(place)
        waits = services.responses.find(f"attempt_asha:{REPEATS[1]}")
        assert (waits.state, waits.tries) == (ResponseState.QUEUED, 0), "it may be an outage"
        tries = [score(REPEATS[1]) for _ in range(MAX_TRIES)]
        assert [each.state for each in tries] == [*[ResponseState.QUEUED] * (MAX_TRIES - 1), ResponseState.FAILED]
        assert tries[-1].reason == "engine_refused"
        bound = services.cohorts.find("delivery")
        assert (bound.engine, bound.down_since, bound.moves) == ("azure", None, ())
        assert engine_of(services.responses.find(f"attempt_asha:{REPEATS[0]}")) == "azure"

    def test_the_last_one_moves_nobody_when_the_patience_is_over(self, services, score, chokes):
        chokes(REPEATS[2])
        for place in REPEATS:
            score(place)
        services.now.move(minutes=31)
        for _ in range(MAX_TRIES):
            last = score(REPEATS[2])
        assert (last.state, last.reason) == (ResponseState.FAILED, "engine_refused")
        bound = services.cohorts.find("delivery")
        assert (bound.engine, bound.down_since, bound.moves) == ("azure", None, ())

    def test_its_failure_hours_ago_is_no_outage_that_the_next_one_ends(self, services, score, chokes):
        chokes(REPEATS[1], REPEATS[2])
        score(REPEATS[0])
        score(REPEATS[1])
        services.now.move(minutes=31)
        assert [score(REPEATS[1]) for _ in range(MAX_TRIES)][-1].state is ResponseState.FAILED
        services.now.move(hours=5)
        score(REPEATS[2])
        bound = services.cohorts.find("delivery")
        assert (bound.engine, bound.down_since) == ("azure", services.now())

    def test_an_outage_meanwhile_costs_it_no_further_try(self, services, score, chokes, listener):
        chokes(REPEATS[1])
        for place in REPEATS[:2]:
            score(place)
        score(REPEATS[2])
        assert score(REPEATS[1]).tries == 1
        listener.down = {"azure": DOWN}
        seen = services.responses.find(f"attempt_asha:{REPEATS[0]}")
        services.responses.save(requeued(seen, at=services.now()), seen=seen)
        assert score(REPEATS[0]).tries == 0
        assert score(REPEATS[1]).tries == 1
        assert services.cohorts.find("delivery").down_since is not None

    def test_silence_does_not_say_that_the_engine_works(self, services, score, listener):
        score(REPEATS[0])
        listener.down = {"azure": DOWN}
        score(REPEATS[1])
        listener.down, listener.hear = {}, lambda _, task: evidence(task, "")
        score(REPEATS[2])
        assert services.cohorts.find("delivery").down_since is not None


class TestStaffDecide:
    """Every answer of a test goes to the engine that staff chose, though the old one works."""

    @pytest.fixture
    def settled(self, services, score):
        for place in REPEATS:
            score(place)
        for place, task in enumerate(TASKS):  # what the builders say was heard by another engine
            if place not in REPEATS and task != "open_question":
                seen = services.responses.find(f"attempt_asha:{place}")
                explanation = {**seen.score["explanation"], "engine": {"name": "azure", "version": "1"}}
                azure = replace(seen, score={**seen.score, "explanation": explanation}, revision=seen.revision + 1)
                services.responses.save(azure, seen=seen)
        services.jobs.waiting_jobs.clear()
        settle("attempt_asha", services)
        return services.results.find("attempt_asha-1")

    def judged(self, services):
        return [each for each in services.responses.list_by_attempt("attempt_asha") if each.task != "open_question"]

    def test_all_is_scored_again_settled_once_more_kept_and_audited(self, services, score, settled):
        decide(services)
        assert finish_moves(services) == len(self.judged(services))
        assert {each.state for each in self.judged(services)} == {ResponseState.QUEUED}
        assert {each.earlier[-1].score["explanation"]["engine"]["name"] for each in self.judged(services)} == {"azure"}
        assert services.attempts.find("attempt_asha").settled_at is None
        assert services.results.find(settled.id) == settled, "what was settled stays as it is"
        assert engine_of(score(REPEATS[0])) == "offline"
        (entry,) = [each for each in services.audit_log.events if each.action == "speech_engine_changed"]
        assert (entry.actor_id, entry.subject_id) == ("meera", "delivery")
        assert entry.details == {"from_engine": "azure", "to_engine": "offline"}
        (move,) = services.cohorts.find("delivery").moves
        assert (move.by, move.reason, move.to_engine) == ("meera", "The vendor has an outage.", "offline")

    def test_again_it_changes_nothing(self, services, settled):
        decide(services)
        finish_moves(services)
        with pytest.raises(Conflict, match="same_engine"):
            decide(services)
        assert finish_move(delivery_id="delivery", desk=desk_of(services), now=services.now()) == 0
        assert len(services.cohorts.find("delivery").moves) == 1

    def test_and_back_again_but_never_in_a_circle_by_itself(self, services, settled):
        decide(services)
        finish_moves(services)
        bound = decide(services, "azure", reason="It is back.")
        assert (bound.engine, bound.tried) == ("azure", ("offline",))
        assert next_engine(bound, ("azure", "offline")) is None

    def test_an_answer_in_a_workers_hands_is_not_saved_as_the_old_engine_heard_it(self, services, score, listener):
        score(REPEATS[0])
        heard: list[str] = []

        def hear(_, task):
            if not heard:
                heard.append(task)
                decide(services)
                finish_moves(services)
            return evidence(task, TEXT)

        listener.hear = hear
        assert score(REPEATS[1]).state is ResponseState.QUEUED
        assert engine_of(score(REPEATS[1])) == "offline"

    def test_what_the_old_engine_failed_at_is_heard_and_what_is_voided_is_not(self, services, score):
        score(REPEATS[0])
        seen = services.responses.find(f"attempt_asha:{REPEATS[1]}")
        failed = replace(
            seen, state=ResponseState.FAILED, reason="engine_refused", score=None, revision=seen.revision + 1
        )
        services.responses.save(failed, seen=seen)
        decide(services)
        finish_moves(services)
        assert services.responses.find(failed.id).state is ResponseState.QUEUED
        attempt = services.attempts.find("attempt_asha")
        voided = replace(attempt, state=AttemptState.VOIDED, revision=attempt.revision + 1)
        services.attempts.save(voided, seen=attempt)
        decide(services, "azure")
        assert finish_moves(services) == 0

    @pytest.mark.parametrize(
        ("change", "refusal"),
        [
            ({"engine": "google"}, RuleViolation),
            ({"reason": "  "}, RuleViolation),
            ({"reason": "x" * 501}, RuleViolation),
            ({"engine": "azure"}, Conflict),
            ({"actor": OMAR}, NotFound),
        ],
    )
    def test_refused_nothing_moves(self, services, score, change, refusal):
        score(REPEATS[0])
        before = services.cohorts.find("delivery")
        with pytest.raises(refusal):
            decide(services, **change)
        assert services.cohorts.find("delivery") == before
        assert not services.audit_log.events

    def test_before_anything_was_heard_there_is_nothing_to_move(self, services):
        with pytest.raises(NotFound):
            decide(services)


class TestVersions:
    """An upgrade is another ear too: it scores, it is told of, and staff bring the test to one version."""

    AZURE = ("azure", "offline")

    @pytest.fixture
    def upgrade(self, listener):
        def upgrade(number):
            listener.hear = lambda _, task: replace(evidence(task, TEXT), versions={"calibration": f"made-{number}"})

        upgrade(1)
        return upgrade

    def count(self, services):
        view = describe_engine(
            delivery_id="delivery", engines=self.AZURE, cohorts=services.cohorts, responses=services.responses
        )
        return view.heard_otherwise, [code for code, _ in view.choices]

    def test_one_version_is_written_once_and_nothing_is_offered(self, services, score, upgrade):
        score(REPEATS[0])
        bound = services.cohorts.find("delivery")
        assert bound.versions == (services.responses.find(f"attempt_asha:{REPEATS[0]}").heard_by,)
        assert "made-1" in bound.versions[0]
        score(REPEATS[1])
        assert services.cohorts.find("delivery") == bound
        assert self.count(services) == (0, ["offline"])

    def test_a_later_answer_is_scored_and_the_others_are_told_of(self, services, score, upgrade):
        score(REPEATS[0])
        score(REPEATS[1])
        upgrade(2)
        late = score(REPEATS[2])
        assert (late.state, "made-2" in late.heard_by) == (ResponseState.SCORED, True)
        assert self.count(services) == (2, ["azure", "offline"])
        first = services.responses.find(f"attempt_asha:{REPEATS[0]}")
        assert (first.state, "made-1" in first.heard_by) == (ResponseState.SCORED, True), "nothing moves by itself"

    def test_staff_bring_all_to_the_latest_and_what_it_heard_stays(self, services, score, upgrade):
        score(REPEATS[0])
        upgrade(2)
        score(REPEATS[1])
        services.jobs.waiting_jobs.clear()
        decide(services, "azure", reason="One version for all.")
        finish_moves(services)
        states = [services.responses.find(f"attempt_asha:{place}").state for place in REPEATS[:2]]
        assert states == [ResponseState.QUEUED, ResponseState.SCORED]
        again = score(REPEATS[0])
        assert "made-2" in again.heard_by
        assert again.earlier[-1].score is not None
        assert self.count(services) == (0, ["offline"])
        bound = services.cohorts.find("delivery")
        assert (bound.engine, bound.leaving, bound.tried) == ("azure", None, ())
        assert [(each.from_engine, each.to_engine) for each in bound.moves] == [("azure", "azure")]
        with pytest.raises(Conflict, match="same_engine"):
            decide(services, "azure")

    def test_an_answer_from_before_versions_were_kept_goes_along(self, services, score, upgrade):
        score(REPEATS[0])
        old = services.responses.find(f"attempt_asha:{REPEATS[0]}")
        services.responses.save(replace(old, heard_by="", revision=old.revision + 1), seen=old)
        upgrade(2)
        score(REPEATS[1])
        decide(services, "azure")
        finish_moves(services)
        assert services.responses.find(old.id).state is ResponseState.QUEUED

    def test_silence_brings_in_no_version(self, services, score, listener, upgrade):
        score(REPEATS[0])
        bound = services.cohorts.find("delivery")
        listener.hear = lambda _, task: replace(evidence(task, ""), versions={"calibration": "made-2"})
        score(REPEATS[1])
        assert services.cohorts.find("delivery") == bound

    def test_it_is_noted_though_another_worker_wrote_meanwhile(self, services, score, listener, upgrade):
        score(REPEATS[0])

        def hear(_, task):
            seen = services.cohorts.find("delivery")
            services.cohorts.save(replace(seen, revision=seen.revision + 1), seen=seen)
            return replace(evidence(task, TEXT), versions={"calibration": "made-2"})

        listener.hear = hear
        score(REPEATS[1])
        assert "made-2" in latest_version(services.cohorts.find("delivery"))

    def test_who_binds_second_is_noted_too(self, services, listener, score):
        def hear(_, task):
            services.cohorts.add(
                Cohort(id="delivery", campus_id="north", engine="azure", engine_version="1", bound_at=COMPLETED,
                       versions=("azure 1, other",))
            )  # fmt: skip
            return evidence(task, TEXT)

        listener.hear = hear
        score(REPEATS[0])
        assert older_versions(services.cohorts.find("delivery")) == ("azure 1, other",)

    def test_an_engine_left_and_chosen_again_is_known_by_its_versions(self):
        cohort = Cohort(id="delivery", campus_id="north", engine="azure", engine_version="1", bound_at=COMPLETED)
        assert (latest_version(cohort), older_versions(cohort)) == (None, ())
        for engine, version in (("azure", "1"), ("offline", "1"), ("azure", "2")):
            if engine != cohort.engine:
                cohort = moved(cohort, engine, by="meera", reason="An outage.", at=COMPLETED)
                assert cohort.engine_version == ""
            cohort = heard(cohort, engine_version=version, heard_by=f"{engine} {version}, x")
        assert (latest_version(cohort), older_versions(cohort)) == ("azure 2, x", ("azure 1, x",))
        assert heard(cohort, engine_version="2", heard_by="azure 2, x") is cohort
        back = heard(cohort, engine_version="1", heard_by="azure 1, x")
        assert older_versions(back) == ("azure 2, x",), "the latest is the one that heard last"
        one = moved(back, "azure", by="meera", reason="One for all.", at=COMPLETED)
        assert (older_versions(one), one.engine_version, one.tried) == ((), "1", ("offline",))
