"""The demonstration is filled by one run at a time."""

import threading

from scripts.seed_demo import one_at_a_time


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
