"""An upload whose line breaks in the middle, against the real server: what came is kept, and it goes on there."""

import http.client
import socket
from urllib.parse import urlsplit

import pytest

from backend.features.attempts.responses import response_id
from backend.wiring import Services
from tests.browser.sitting import Sitting, open_test
from tests.support.exam import announce, recording_headers
from tests.support.live import LiveProduct
from tests.support.sittings import VOICE, Candidate

CAME = 20_000


@pytest.fixture
def sitting(services: Services) -> Sitting:
    return open_test(services, "Broken line")


def test_an_upload_that_breaks_in_the_middle_goes_on_at_that_byte(
    live: LiveProduct, services: Services, sitting: Sitting
) -> None:
    asha = Candidate(live, sitting.login.login, sitting.login.password)
    attempt = asha.begin(sitting.delivery_id)
    assert asha.open_item(attempt, 0).status == 200
    data, path = VOICE.read_bytes(), f"/attempts/{attempt}/recordings/0-0-broken-line"
    announced = announce(data, content_type="audio/ogg", duration_ms=4_000)
    _send_and_break(live, asha, path, data, recording_headers(announced))
    live.wait_until(lambda: _offset(asha, path) == CAME, within_s=90, what="what came is kept")

    rest = asha.put(path, data[CAME:], recording_headers(announced, offset=CAME))
    assert (rest.status, rest.body["stored"]) == (202, True)
    stored = services.responses.find(response_id(attempt, 0))
    assert stored is not None
    assert services.blobs.get(stored.recordings[0].blob_key) == data


def _send_and_break(live: LiveProduct, asha: Candidate, path: str, data: bytes, headers: dict[str, str]) -> None:
    """The head of a request for all of it, a part of the bytes, and then the plug."""
    address = urlsplit(live.address)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    connection.putrequest("PUT", f"/api{path}")
    for name, value in {**headers, **asha.own_headers(), "Content-Length": str(len(data))}.items():
        connection.putheader(name, value)
    connection.endheaders(data[:CAME])
    assert connection.sock is not None
    connection.sock.shutdown(socket.SHUT_WR)
    connection.close()


def _offset(asha: Candidate, path: str) -> int:
    return int(asha.call("GET", path).body["offset"])
