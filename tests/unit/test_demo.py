"""The demonstration is filled by one run at a time, and waits for tests that are still being prepared."""

import threading

import pytest

from scripts.seed_demo import WAIT_S, one_at_a_time, wait_for


def test_a_second_run_waits_for_the_first(tmp_path):
    path, waits, order = tmp_path / "demo.lock", threading.Event(), []

    def second():
        with one_at_a_time(path, when_waiting=waits.set):
            order.append("second")

    with one_at_a_time(path, when_waiting=lambda: order.append("waited")):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(60)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]


@pytest.mark.parametrize(("comes_after_s", "comes"), [(0, True), (30, True), (60, True), (61, False)])
def test_a_test_whose_prompts_are_still_being_spoken_is_waited_for_but_not_for_ever(comes_after_s, comes):
    slept: list[float] = []
    there = wait_for(lambda: sum(slept) >= comes_after_s, what="Reading", most_s=60, sleep=slept.append)
    assert there is comes
    assert sum(slept) == min(60, -(-comes_after_s // WAIT_S) * WAIT_S)
