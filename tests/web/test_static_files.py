"""Built files: compressed where the build wrote a neighbour, plain for clients that take nothing else."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend.app import create_app
from backend.web.static_files import init_static_files
from tests.support.services_memory import build_memory_services


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    (tmp_path / "page.css").write_bytes(b"plain")
    (tmp_path / "page.css.br").write_bytes(b"brotli")
    (tmp_path / "page.css.gz").write_bytes(b"gzip")
    (tmp_path / "small.js").write_bytes(b"small")
    app = Flask("files", static_folder=str(tmp_path), static_url_path="/static")
    init_static_files(app)
    return app.test_client()


@pytest.mark.parametrize(
    ("accepts", "body", "encoding"),
    [
        ("gzip, br", b"brotli", "br"),
        ("gzip", b"gzip", "gzip"),
        ("identity", b"plain", None),
        ("br;q=0", b"plain", None),
    ],
)
def test_the_smallest_that_the_browser_takes(
    client: FlaskClient, accepts: str, body: bytes, encoding: str | None
) -> None:
    with client.get("/static/page.css", headers={"Accept-Encoding": accepts}) as reply:
        assert (reply.data, reply.headers.get("Content-Encoding")) == (body, encoding)
        assert reply.content_type.startswith("text/css")


def test_a_file_without_compressed_neighbours_is_sent_as_it_is(client: FlaskClient) -> None:
    with client.get("/static/small.js", headers={"Accept-Encoding": "br"}) as reply:
        assert reply.data == b"small"


def test_nothing_outside_the_folder(client: FlaskClient) -> None:
    assert client.get("/static/../conftest.py", headers={"Accept-Encoding": "br"}).status_code == 404
    assert client.get("/static/absent.css").status_code == 404


def test_the_exams_worker_answers_for_the_exam_only() -> None:
    """Its address is its scope; a browser looks for a newer one at every visit."""
    app = create_app(services=build_memory_services())
    with app.test_client().get("/sit/worker.js") as reply:
        assert reply.status_code == 200
        assert reply.mimetype == "text/javascript"
        assert reply.headers["Cache-Control"] == "no-cache"
        assert "Service-Worker-Allowed" not in reply.headers
        assert "worker-src 'self'" in reply.headers["Content-Security-Policy"]
