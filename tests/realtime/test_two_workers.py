"""Live events with two web workers in two processes, and from a process that only sends, as Celery's workers do."""

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from backend.adapters.realtime.socketio import SocketFeed
from tests.support.live import free_port
from tests.support.source import ROOT

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


class Socket:
    """A Socket.IO client, as small as the protocol allows: websocket only, namespace /live."""

    def __init__(self, port, actor):
        self._open = connect(
            f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket",
            origin=Origin(f"http://127.0.0.1:{port}"),
            additional_headers={"X-Actor": actor},
        )
        self._socket = self._open.__enter__()
        self._read()
        self._socket.send("40/live,")
        self.accepted = self._read().startswith("40/live,")

    def _read(self):
        while True:
            frame = self._socket.recv(timeout=10)
            if frame != "2":
                return frame
            self._socket.send("3")

    def ask(self, event, message):
        self._socket.send("42/live,7" + json.dumps([event, message]))
        frame = self._read()
        assert frame.startswith("43/live,7"), frame
        return json.loads(frame.removeprefix("43/live,7"))[0]

    def next_event(self):
        frame = self._read()
        assert frame.startswith("42/live,"), frame
        name, payload = json.loads(frame.removeprefix("42/live,"))
        return name, payload

    def send_raw(self, text):
        self._socket.send(text)

    def is_closed(self):
        try:
            while True:
                self._socket.recv(timeout=5)
        except ConnectionClosed:
            return True

    def close(self):
        self._open.__exit__(None, None, None)


def start_worker(redis_url):
    port = free_port()
    command = (sys.executable, "-m", "gunicorn", "--worker-class", "gevent", "--workers", "1")
    process = subprocess.Popen(
        (*command, "--bind", f"127.0.0.1:{port}", "--no-control-socket", "tests.support.live_worker:app"),
        cwd=ROOT,
        env={**os.environ, "LIVE_REDIS_URL": redis_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return port, process


def post(port, path, actor, body=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=json.dumps(body or {}).encode(),
        headers={"X-Actor": actor, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 - ours
        return json.load(reply)


def handshake(port, origin):
    """The status with which a browser's page of `origin` is answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    headers = upgrade | {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": origin, "Host": "127.0.0.1"}
    connection.request("GET", "/socket.io/?EIO=4&transport=websocket", headers=headers)
    reply = connection.getresponse()
    reply.close()
    connection.close()
    return reply.status


def wait_for(port):
    """gunicorn listens before its worker is ready: only an answer counts."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the worker did not start")


@pytest.fixture(scope="module")
def workers(redis_url):
    started = [start_worker(redis_url) for _ in range(2)]
    try:
        for port, _ in started:
            wait_for(port)
        yield [port for port, _ in started]
    finally:
        for _, process in started:
            process.terminate()
            process.wait(20)


@pytest.fixture
def monitor(workers):
    client = Socket(workers[0], "meera")
    yield client
    client.close()


def test_what_one_worker_sees_the_other_ones_monitor_is_told(workers, monitor):
    answer = monitor.ask("join_delivery", {"delivery_id": "delivery"})
    assert {row["student_id"] for row in answer["snapshot"]["rows"]} == {"asha", "ravi"}
    try:
        post(workers[1], "/api/deliveries/delivery/attempts", "asha")
    except urllib.error.HTTPError as refused:
        raise AssertionError(refused.read()) from None
    name, payload = monitor.next_event()
    assert (name, payload["student_id"], payload["state"]) == ("attempt_progressed", "asha", "checking")
    assert "student_name" not in payload


def test_a_process_without_a_web_server_can_tell_too(redis_url, workers, monitor):
    monitor.ask("join_delivery", {"delivery_id": "delivery"})
    SocketFeed(f"{redis_url}/1").publish("delivery:other", "attempt_progressed", {"attempt_id": "of others"})
    SocketFeed(f"{redis_url}/1").publish("delivery:delivery", "attempt_progressed", {"attempt_id": "a1"})
    assert monitor.next_event() == ("attempt_progressed", {"attempt_id": "a1"})


def test_a_page_of_another_site_is_turned_away(workers):
    assert handshake(workers[0], "http://127.0.0.1") == 101
    assert handshake(workers[0], "https://evil.example") == 400
    assert handshake(workers[0], "https://127.0.0.1.evil.example") == 400


def test_nobody_is_turned_away_too(workers):
    client = Socket(workers[0], "nobody")
    assert not client.accepted
    client.close()


def test_a_message_above_the_cap_ends_the_connection(workers):
    client = Socket(workers[0], "meera")
    client.send_raw("42/live," + json.dumps(["join_delivery", {"delivery_id": "x" * 70_000}]))
    assert client.is_closed()
    client.close()


def test_polling_is_not_offered(workers):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{workers[0]}/socket.io/?EIO=4&transport=polling", timeout=5)
    assert refused.value.code == 400
    refused.value.close()
