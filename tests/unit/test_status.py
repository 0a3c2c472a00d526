"""`make status` asks the installation that runs in the data folder, wherever this command's own settings would look."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from scripts import status
from scripts.services.program import Folders
from scripts.services.runfiles import State, locked, process_identity, write_state


class Web(ThreadingHTTPServer):
    """Says on /readyz what its `parts` are; ready while all are."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Readiness)
        self.parts = {"database": "ready"}


class Readiness(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self):
        parts = self.server.parts if self.path == "/readyz" else {}
        body = json.dumps({"parts": parts}).encode()
        self.send_response(200 if set(parts.values()) == {"ready"} else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing on the terminal."""


@pytest.fixture
def web():
    server = Web()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A data folder in which a start runs; the environment names a port at which nothing of it listens."""
    made = Folders(data=tmp_path / "data")
    made.make()
    monkeypatch.setenv("VIVA_DATA", str(made.data))
    monkeypatch.setenv("VIVA_PORT", "9")
    with locked(made):
        yield made


def told(folders, capsys, **where):
    write_state(folders, State(pid=os.getpid(), identity=process_identity(os.getpid()), **where))
    return status.main(), capsys.readouterr().out


def test_the_running_installation_is_asked_where_it_listens(folders, web, capsys):
    code, shown = told(
        folders,
        capsys,
        address="https://viva.example.edu",
        local_address=f"http://127.0.0.1:{web.server_address[1]}",
    )
    assert code == 0
    assert "https://viva.example.edu" in shown
    assert "database   ready" in shown


def test_a_start_of_before_it_said_where_it_listens_is_asked_at_its_address(folders, web, capsys):
    web.parts = {"database": "ready", "queue": "unreachable"}
    code, shown = told(folders, capsys, address=f"http://127.0.0.1:{web.server_address[1]}")
    assert code == 1
    assert "queue      unreachable" in shown
