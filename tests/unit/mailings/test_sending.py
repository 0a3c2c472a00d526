"""One mail a result: through failures, quotas, crashes between any two steps, and people who press twice."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backend.core.errors import Conflict, OutcomeUnknown, OverQuota, PermanentFailure, TemporaryFailure
from backend.features.mailings import usecases
from backend.features.mailings.model import KEY_MARGIN, LEASE, MAX_TRIES, DispatchState, MailingState
from backend.features.mailings.progress import take_snapshot
from backend.features.mailings.tasks import office_of
from backend.features.results.usecases import release_result, withdraw_result
from tests.support.builders_results import make_result
from tests.support.exam import MEERA
from tests.support.results_world import RecordingMailer, furnish_results, release_for, releasing
from tests.support.services_memory import build_memory_services

ASHA, RAVI = "results_ready:attempt_asha-1", "results_ready:attempt_ravi-1"


@pytest.fixture
def mailer():
    return RecordingMailer()


@pytest.fixture
def services(mailer):
    services = furnish_results(build_memory_services(mailer=mailer))
    release_for(services, "asha", "ravi")
    return services


def schedule(services):
    return usecases.schedule_mailing(
        actor=MEERA,
        delivery_id="delivery",
        campus_id="north",
        chosen=None,
        office=office_of(services),
        now=services.now(),
        new_id=services.new_id,
    )


def work(services):
    """Runs what waits in the queue."""
    services.jobs.run(
        {
            usecases.SEND_DISPATCH: lambda each: usecases.send_dispatch(
                dispatch_id=each, office=office_of(services), clock=services.now
            )
        }
    )


def sweep(services):
    usecases.sweep(office=office_of(services), now=services.now())
    work(services)


def state(services, dispatch_id=ASHA):
    return services.dispatches.find(dispatch_id).state


def test_each_student_gets_one_mail_with_the_report(services, mailer):
    schedule(services)
    work(services)
    assert mailer.addresses() == ["asha@example.edu", "ravi@example.edu"]
    report = mailer.delivered[0].attachments[0]
    assert report.content_type == "application/pdf"
    assert report.data.startswith(b"%PDF")
    assert {state(services), state(services, RAVI)} == {DispatchState.SENT}


def test_pressing_twice_mails_once(services, mailer):
    schedule(services)
    with pytest.raises(Conflict):
        schedule(services)
    work(services)
    sweep(services)
    assert len(mailer.delivered) == 2


def test_a_job_that_runs_twice_sends_once(services, mailer):
    schedule(services)
    waiting = services.jobs.take()
    for name, args in [*waiting, *waiting]:
        services.jobs.enqueue(name, *args)
    work(services)
    assert len(mailer.delivered) == 2


def test_a_student_without_an_address_is_listed_and_sent_again_once_there_is_one(mailer):
    services = furnish_results(build_memory_services(mailer=mailer), emails={"asha": "asha@example.edu"})
    release_for(services, "asha", "ravi")
    mailing = schedule(services)
    work(services)
    assert services.dispatches.find(RAVI).reason == "no_address"
    services.students.change("ravi", email="ravi@example.edu")
    again(services, mailing)
    assert mailer.addresses() == ["asha@example.edu", "ravi@example.edu"]


def again(services, mailing):
    count = usecases.send_again(
        actor=MEERA, mailing=mailing, office=office_of(services), now=services.now(), new_id=services.new_id
    )
    work(services)
    return count


def test_send_again_reaches_exactly_those_that_failed(services, mailer):
    mailer.fail(PermanentFailure("address_refused"))
    mailing = schedule(services)
    work(services)
    failed = services.dispatches.find(ASHA)
    assert (failed.state, failed.permanent, failed.reason) == (DispatchState.FAILED, True, "address_refused")
    assert again(services, mailing) == 1
    assert again(services, mailing) == 0
    assert mailer.addresses() == ["asha@example.edu", "ravi@example.edu"]


def test_a_passing_failure_is_tried_again_by_itself(services, mailer):
    mailer.fail(TemporaryFailure("provider_unreachable"))
    schedule(services)
    work(services)
    assert state(services) is DispatchState.QUEUED
    services.now.move(minutes=1)
    sweep(services)
    assert mailer.addresses() == ["asha@example.edu", "ravi@example.edu"]


def test_it_gives_up_after_some_tries_and_says_that_it_may_be_sent_again(services, mailer):
    for _ in range(2 * MAX_TRIES):
        mailer.fail(TemporaryFailure("provider_unreachable"))
    schedule(services)
    work(services)
    for _ in range(MAX_TRIES):
        services.now.move(hours=2)
        sweep(services)
    failed = services.dispatches.find(ASHA)
    assert (failed.state, failed.permanent) == (DispatchState.FAILED, False)


def test_the_providers_quota_pauses_everything_and_fails_nobody(services, mailer):
    mailer.fail(OverQuota("provider_busy", retry_after_s=600))
    mailing = schedule(services)
    work(services)
    assert mailer.calls == 1, "after the refusal nobody asks again"
    assert services.mailings.find(mailing.id).is_paused(services.now())
    assert services.dispatches.find(ASHA).tries == 0
    services.now.move(minutes=9)
    sweep(services)
    assert mailer.calls == 1
    services.now.move(minutes=2)
    sweep(services)
    assert mailer.addresses() == ["asha@example.edu", "ravi@example.edu"]
    assert not services.mailings.find(mailing.id).is_paused(services.now())


def test_a_withdrawn_result_is_not_mailed(services, mailer):
    schedule(services)
    withdraw_result(result=services.results.find("attempt_asha-1"), releasing=releasing(services))
    work(services)
    assert mailer.addresses() == ["ravi@example.edu"]
    assert services.dispatches.find(ASHA).reason == "withdrawn"


def test_a_lost_reply_is_repeated_with_the_same_key_while_the_provider_knows_it(services, mailer):
    mailer.fail(OutcomeUnknown("provider_silent"), after=True)
    schedule(services)
    work(services)
    assert state(services) is DispatchState.QUEUED
    services.now.move(minutes=1)
    sweep(services)
    assert state(services) is DispatchState.SENT
    assert mailer.addresses() == ["asha@example.edu", "ravi@example.edu"]


def test_a_lost_reply_of_a_provider_without_keys_is_never_repeated_blindly():
    mailer = RecordingMailer(key_lifetime=timedelta(0))
    services = furnish_results(build_memory_services(mailer=mailer))
    release_for(services, "asha")
    mailer.fail(OutcomeUnknown("provider_silent"), after=True)
    mailing = schedule(services)
    work(services)
    services.now.move(days=1)
    sweep(services)
    assert state(services) is DispatchState.UNKNOWN
    assert again(services, mailing) == 0, "unknown is not failed"
    assert len(mailer.delivered) == 1


@pytest.mark.parametrize(("went", "mails"), [(True, 1), (False, 2)])
def test_a_person_decides_about_an_unknown_one(went, mails):
    mailer = RecordingMailer(key_lifetime=timedelta(0))
    services = furnish_results(build_memory_services(mailer=mailer))
    release_for(services, "asha")
    mailer.fail(OutcomeUnknown("provider_silent"), after=True)
    schedule(services)
    work(services)
    usecases.decide_unknown(
        actor=MEERA,
        dispatch=services.dispatches.find(ASHA),
        went=went,
        office=office_of(services),
        now=services.now(),
        new_id=services.new_id,
    )
    work(services)
    assert state(services) is DispatchState.SENT
    assert len(mailer.delivered) == mails


class Died(BaseException):
    """kill -9, as far as Python can tell."""


class Mortal:
    """Passes calls on, and dies before or after the n-th write of any of its repositories or of the mailer."""

    def __init__(self, inner, fate):
        self._inner, self._fate = inner, fate

    def __getattr__(self, name):
        attribute = getattr(self._inner, name)
        if name not in ("add", "save", "send", "enqueue"):
            return attribute

        def call(*args, **kwargs):
            self._fate.step()
            outcome = attribute(*args, **kwargs)
            self._fate.step()
            return outcome

        return call


class Fate:
    def __init__(self, die_at):
        self.steps, self.die_at = 0, die_at

    def step(self):
        self.steps += 1
        if self.steps == self.die_at:
            raise Died


def mortal_office(services, fate):
    office = office_of(services)
    mortals: Any = {name: Mortal(getattr(office, name), fate) for name in ("mailings", "dispatches", "mailer", "jobs")}
    return replace(office, **mortals)


def _run_until_death(services, fate):
    """Schedules and works with processes that die at the fated step; whoever comes after works on."""
    office = mortal_office(services, fate)
    with suppress(Died):
        usecases.schedule_mailing(
            actor=MEERA,
            delivery_id="delivery",
            campus_id="north",
            chosen=None,
            office=office,
            now=services.now(),
            new_id=services.new_id,
        )
    for _ in range(12):
        try:
            services.jobs.run(
                {
                    usecases.SEND_DISPATCH: lambda each: usecases.send_dispatch(
                        dispatch_id=each, office=office, clock=services.now
                    )
                }
            )
        except Died:
            continue
        services.now.move(seconds=(LEASE + timedelta(seconds=1)).total_seconds())
        try:
            usecases.sweep(office=office, now=services.now())
        except Died:
            continue


def _quick_services(mailer):
    """Without typesetting: the crash tests send some hundred mails."""
    services = furnish_results(build_memory_services(mailer=mailer, reports_pdf=lambda *_, **__: b"%PDF"))
    release_for(services, "asha", "ravi")
    return services


def _count_steps(lifetime):
    services = _quick_services(RecordingMailer(key_lifetime=lifetime))
    fate = Fate(die_at=0)
    _run_until_death(services, fate)
    return fate.steps


@pytest.mark.parametrize("lifetime", [timedelta(minutes=30), timedelta(0)], ids=["keys", "no keys"])
def test_killed_between_any_two_steps_no_mail_is_doubled_and_none_lost(lifetime):
    steps = _count_steps(lifetime)
    assert steps > 20
    for die_at in range(1, steps + 1):
        mailer = RecordingMailer(key_lifetime=lifetime)
        services = _quick_services(mailer)
        _run_until_death(services, Fate(die_at=die_at))
        if not services.mailings.list_by_delivery("delivery"):
            assert not mailer.delivered
            continue
        assert services.mailings.list_by_delivery("delivery")[0].state is MailingState.PREPARED
        delivered = mailer.addresses()
        assert len(delivered) == len(set(delivered)), f"doubled when killed at step {die_at}"
        for dispatch_id, address in ((ASHA, "asha@example.edu"), (RAVI, "ravi@example.edu")):
            ended = state(services, dispatch_id)
            assert ended in (DispatchState.SENT, DispatchState.UNKNOWN), f"{ended} when killed at step {die_at}"
            if ended is DispatchState.SENT:
                assert address in delivered
            else:
                assert lifetime == timedelta(0), "with keys every crash is healed"


def test_a_crash_while_sending_is_not_repeated_after_the_provider_forgot_the_key(services, mailer):
    schedule(services)
    fate = Fate(die_at=0)
    office = mortal_office(services, fate)
    services.jobs.take()

    class DiesAfterSending:
        key_lifetime = mailer.key_lifetime

        def send(self, mail, *, now):
            mailer.send(mail, now=now)
            raise Died

    with pytest.raises(Died):
        usecases.send_dispatch(dispatch_id=ASHA, office=replace(office, mailer=DiesAfterSending()), clock=services.now)
    services.now.move(seconds=(mailer.key_lifetime - KEY_MARGIN).total_seconds() + 1)
    sweep(services)
    assert state(services) is DispatchState.UNKNOWN
    assert [mail.to_address for mail in mailer.delivered].count("asha@example.edu") == 1


def test_a_worker_that_was_only_slow_still_records_that_it_went(services, mailer):
    schedule(services)
    services.jobs.take()

    class Slow:
        key_lifetime = timedelta(0)

        def send(self, mail, *, now):
            services.now.move(minutes=5)
            usecases.sweep(office=replace(office_of(services), mailer=self), now=services.now())
            assert state(services) is DispatchState.UNKNOWN
            return mailer.send(mail, now=now)

    usecases.send_dispatch(dispatch_id=ASHA, office=replace(office_of(services), mailer=Slow()), clock=services.now)
    assert state(services) is DispatchState.SENT


def test_events_carry_ids_and_no_names(services):
    schedule(services)
    work(services)
    text = str(services.feed.events)
    assert "mailing_progressed" in text
    for secret in ("Asha", "Rao", "example.edu", "N-01"):
        assert secret not in text


def test_a_second_mailing_reaches_only_what_was_released_since(services, mailer):
    schedule(services)
    work(services)
    services.students.add(
        replace(
            services.students.find("asha"),
            id="dev",
            roll_number="N-03",
            roll_key="n-03",
            login="dev@north",
            email="dev@example.edu",
        )
    )
    release_for(services, "dev")
    schedule(services)
    work(services)
    assert mailer.addresses() == ["asha@example.edu", "dev@example.edu", "ravi@example.edu"]


# -- what may have gone is never "failed" ------------------------------------------------------------------------------


def asha_alone(mailer):
    services = furnish_results(build_memory_services(mailer=mailer))
    release_for(services, "asha")
    return services


def withdraw(services, result_id="attempt_asha-1"):
    withdraw_result(result=services.results.find(result_id), releasing=releasing(services))


def test_a_mail_that_may_have_gone_is_not_failed_because_its_result_was_withdrawn(mailer):
    services = asha_alone(mailer)
    mailer.fail(OutcomeUnknown("provider_failed"), after=True)
    mailing = schedule(services)
    work(services)
    withdraw(services)
    services.now.move(minutes=1)
    sweep(services)
    after = services.dispatches.find(ASHA)
    assert (after.state, after.reason) == (DispatchState.UNKNOWN, "provider_failed")
    release_result(result=services.results.find("attempt_asha-1"), releasing=releasing(services))
    assert again(services, mailing) == 0
    assert len(mailer.delivered) == 1


def test_a_mail_that_may_have_gone_is_not_failed_because_a_repeat_was_refused(mailer):
    services = asha_alone(mailer)
    mailer.fail(OutcomeUnknown("provider_silent"), after=True)
    mailer.fail(PermanentFailure("address_refused"))
    schedule(services)
    work(services)
    services.now.move(minutes=1)
    sweep(services)
    after = services.dispatches.find(ASHA)
    assert (after.state, after.reason) == (DispatchState.UNKNOWN, "provider_silent")


# -- which result is mailed --------------------------------------------------------------------------------------------


def test_a_superseded_result_is_never_mailed_after_the_one_that_took_its_place(mailer):
    services = asha_alone(mailer)
    mailer.fail(PermanentFailure("address_refused"))
    mailing = schedule(services)
    work(services)
    second = make_result("attempt_asha", settlement=2)
    services.results.add(second)
    release_result(result=second, releasing=releasing(services))
    schedule(services)
    work(services)
    assert again(services, mailing) == 1
    assert [mail.idempotency_key for mail in mailer.delivered] == ["results_ready:attempt_asha-2:1"]
    assert services.dispatches.find(ASHA).reason == "superseded"


def test_an_earlier_result_is_mailed_while_the_later_one_is_not_released(mailer):
    services = asha_alone(mailer)
    schedule(services)
    services.results.add(make_result("attempt_asha", settlement=2))
    work(services)
    assert state(services) is DispatchState.SENT


# -- what the sweep hands over -----------------------------------------------------------------------------------------


def test_mails_are_handed_over_however_many_answers_wait_to_be_scored(services, mailer):
    mailer.fail(TemporaryFailure("provider_unreachable"))
    schedule(services)
    work(services)
    for number in range(2 * usecases.QUEUE_IS_SHORT):
        services.jobs.enqueue("ratings.score_response", f"a1:{number}")
    services.now.move(minutes=1)
    assert usecases.sweep(office=office_of(services), now=services.now()) == 1
    assert (usecases.SEND_DISPATCH, (ASHA,)) in services.jobs.waiting_jobs


def test_none_is_handed_over_while_many_mails_wait(services):
    schedule(services)
    for number in range(usecases.QUEUE_IS_SHORT):
        services.jobs.enqueue(usecases.SEND_DISPATCH, str(number))
    assert usecases.sweep(office=office_of(services), now=services.now()) == 0


@pytest.mark.parametrize(
    ("dies_at", "ended", "reason"),
    [("reports_pdf", DispatchState.FAILED, "not_made"), ("send", DispatchState.UNKNOWN, "interrupted")],
)
def test_a_mail_that_kills_its_worker_each_time_is_given_up(dies_at, ended, reason):
    """A library's own error, while the mail is made or while it leaves: nobody's to catch, and not for ever."""
    calls = []

    def dies(*_, **__):
        calls.append(1)
        raise KeyError("trait")

    class Deadly(RecordingMailer):
        send = dies

    mailer = Deadly if dies_at == "send" else RecordingMailer
    pdf = dies if dies_at == "reports_pdf" else lambda *_, **__: b"%PDF"
    services = furnish_results(build_memory_services(mailer=mailer(key_lifetime=timedelta(days=1)), reports_pdf=pdf))
    release_for(services, "asha")
    schedule(services)
    for _ in range(3 * MAX_TRIES):
        with suppress(KeyError):
            work(services)
        services.now.move(minutes=1)
        usecases.sweep(office=office_of(services), now=services.now())
    after = services.dispatches.find(ASHA)
    assert (after.state, after.reason, len(calls)) == (ended, reason, MAX_TRIES)


# -- where it went -----------------------------------------------------------------------------------------------------


def elsewhere(services, mailing):
    """Of each row of the page, whether it says that the mail went to an earlier address."""
    people = services.people.find_many(["asha", "ravi"])
    dispatches = services.dispatches.list_by_mailing(mailing.id)
    rows: Any = take_snapshot(mailing, dispatches, people, now=services.now())["rows"]
    return [row["went_elsewhere"] for row in rows]


def test_an_address_that_is_corrected_later_is_not_shown_as_the_one_it_went_to(services):
    mailing = schedule(services)
    services.students.change("ravi", email="first@example.edu")
    work(services)
    assert elsewhere(services, mailing) == [False, False]
    services.students.change("asha", email="new@example.edu")
    services.students.change("ravi", email="First@example.edu")
    assert elsewhere(services, mailing) == [True, False]
    assert "example.edu" not in str(services.dispatches.find(ASHA))


def test_a_repeat_under_the_same_key_went_where_it_first_went(mailer):
    services = asha_alone(mailer)
    mailer.fail(OutcomeUnknown("provider_failed"), after=True)
    mailing = schedule(services)
    work(services)
    services.students.change("asha", email="new@example.edu")
    services.now.move(minutes=1)
    sweep(services)
    assert (mailer.addresses(), state(services)) == (["asha@example.edu"], DispatchState.SENT)
    assert elsewhere(services, mailing) == [True]


def test_what_surely_did_not_go_goes_to_the_corrected_address(mailer):
    services = asha_alone(mailer)
    mailer.fail(PermanentFailure("address_refused"))
    mailing = schedule(services)
    work(services)
    services.students.change("asha", email="new@example.edu")
    assert elsewhere(services, mailing) == [False]
    assert again(services, mailing) == 1
    assert (mailer.addresses(), elsewhere(services, mailing)) == (["new@example.edu"], [False])
