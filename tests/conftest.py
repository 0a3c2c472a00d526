"""Fixtures that every suite may use. Services start on first use, so a unit test costs nothing."""

import os
import uuid
from collections.abc import Iterator

import boto3
import hypothesis
import pytest
from botocore.config import Config

from backend.storage import MongoDatabase, connect, discard_collection
from tests.support.services import Engine, database_engine, queue_engine, store_engine

ENGINES = pytest.StashKey[dict[str, str]]()


# -- database --------------------------------------------------------------------------------------------------------

# How long one example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("viva", deadline=None)
hypothesis.settings.load_profile("viva")


@pytest.fixture(scope="session")
def _database_engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with database_engine() as engine:
        _note(request, "database", engine)
        yield engine


@pytest.fixture(scope="session")
def mongodb_uri(_database_engine: Engine) -> str:
    return _database_engine.addresses["mongodb_uri"]


@pytest.fixture(scope="session")
def _session_database(mongodb_uri: str) -> Iterator[MongoDatabase]:
    """One database a test worker, dropped at the end."""
    with connect(mongodb_uri) as client:
        name = f"viva_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{uuid.uuid4().hex[:8]}"
        yield client[name]
        client.drop_database(name)


@pytest.fixture
def mongo_database(_session_database: MongoDatabase) -> Iterator[MongoDatabase]:
    """An empty database, on whatever engine this run has."""
    yield _session_database
    for name in _session_database.list_collection_names():
        discard_collection(_session_database, name)


# -- queue -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server without a database number: tests choose 8 to 15, Viva itself has 0 to 4."""
    with queue_engine() as engine:
        _note(request, "queue", engine)
        yield engine.addresses["redis_url"].rstrip("/")


# -- object store ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def s3_addresses(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """`s3_endpoint`, `s3_access_key`, `s3_secret_key`."""
    with store_engine() as engine:
        _note(request, "objects", engine)
        yield engine.addresses


@pytest.fixture(scope="session")
def s3_client(s3_addresses: dict[str, str]):
    client = boto3.client(
        "s3",
        endpoint_url=s3_addresses["s3_endpoint"],
        region_name=os.environ.get("S3_REGION") or "us-east-1",
        aws_access_key_id=s3_addresses["s3_access_key"],
        aws_secret_access_key=s3_addresses["s3_secret_key"],
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    yield client
    client.close()


@pytest.fixture
def s3_bucket(s3_client) -> Iterator[str]:
    """A bucket of this test's own; gone afterwards."""
    name = f"viva-test-{uuid.uuid4().hex[:12]}"
    s3_client.create_bucket(Bucket=name)
    yield name
    for entry in s3_client.list_objects_v2(Bucket=name).get("Contents", []):
        s3_client.delete_object(Bucket=name, Key=entry["Key"])
    s3_client.delete_bucket(Bucket=name)


# -- what ran on what ------------------------------------------------------------------------------------------------


def _note(request: pytest.FixtureRequest, part: str, engine: Engine) -> None:
    request.config.stash.setdefault(ENGINES, {})[part] = engine.name


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error) -> None:
    """What an xdist worker ran on, told to the one that reports."""
    if getattr(node, "workeroutput", None):
        node.config.stash.setdefault(ENGINES, {}).update(node.workeroutput.get("engines", {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["engines"] = session.config.stash.get(ENGINES, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for part, name in sorted(config.stash.get(ENGINES, {}).items()):
        terminalreporter.write_line(f"{part}: {name}")
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "took":
                terminalreporter.write_line(str(text))
