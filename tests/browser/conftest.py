"""A real Chromium with a recorded human voice as its microphone, and the real product for it to look at."""

import shutil
import wave
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from backend import wiring
from backend.storage import connect
from backend.wiring import Services
from config.settings import load_settings
from tests.browser import steps
from tests.support.live import LiveProduct, keep_logs, live_product
from tests.support.source import ROOT

CANDIDATES = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
VOICE = ROOT / "tests" / "fixtures" / "audio" / "learner_adult.opus"
RATE = 48_000
GAP_S = 0.5  # shorter than the silence that ends an answer, so that none is a scrap that nobody can score
QUIET_BROWSER = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
)
FAKE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")

# How long something takes says how busy the machine is: what must be quick is reported (`report`).
PATIENCE_MS = 90_000
expect.set_options(timeout=PATIENCE_MS)


def find_chromium() -> str | None:
    found = [path for path in CANDIDATES if Path(path).exists()] + [shutil.which("chromium") or ""]
    return found[0] or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is a browser test; one product serves all that need one, so one process runs these."""
    missing = pytest.mark.skip(reason="no Chromium on this machine: the browser journeys did not run")
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker(pytest.mark.browser)
            on_product = "live" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.xdist_group("browser" if on_product else "browser_pages"))
            item.add_marker(pytest.mark.timeout(1500))
            if "chromium" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.flaky(reruns=1))  # and the run's end says so (ADR 0126)
            if find_chromium() is None:
                item.add_marker(missing)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A learner's sentence and a gap, as the WAV file that Chromium plays into the microphone, over and over."""
    with av.open(str(VOICE)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    speech = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
    spoken = np.flatnonzero(np.abs(speech) > np.abs(speech).max() / 10)
    speech = speech[spoken[0] : spoken[-1]]
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(speech.astype("<i2").tobytes() + b"\0\0" * int(RATE * GAP_S))
    return path


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def chromium(playwright: Playwright, voice: Path) -> Iterator[Browser]:
    """A browser whose microphone hears `voice`."""
    browser = playwright.chromium.launch(
        executable_path=find_chromium(),
        args=[*QUIET_BROWSER, *FAKE_MICROPHONE, f"--use-file-for-fake-audio-capture={voice}"],
    )
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def live() -> Iterator[LiveProduct]:
    """One running product for all journeys: they make campuses of their own, so they do not meet."""
    with live_product() as product:
        yield product


@pytest.fixture(scope="session")
def services(live: LiveProduct, superadmin: str) -> Iterator[Services]:
    """The running product's own storage, for preparing people and for looking at what was kept."""
    clients = []

    def connect_and_remember(uri: str):
        clients.append(connect(uri))
        return clients[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "connect", connect_and_remember)
        built = wiring.build_services(load_settings(env_file=None, environ=live.environment))
    yield built
    for client in clients:
        client.close()


@pytest.fixture
def new_context(
    chromium: Browser, live: LiveProduct, request: pytest.FixtureRequest
) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts, a person each. A failing test leaves a picture of every page and the product's logs."""
    contexts: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = chromium.new_context(base_url=live.address, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        return context

    yield make
    if request.node.stash.get(FAILED, False):
        _keep_pictures(contexts, request.node.name)
        keep_logs(live)
    for context in contexts:
        context.close()


@pytest.fixture
def new_page(new_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """A page of somebody new. What goes wrong in its scripts fails the test that opened it."""

    def make(**options: object) -> Page:
        return new_context(**options).new_page()

    return make


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Callable[[str, float], None]:
    """Notes how many seconds something took: a line at the end of the run, and no assertion."""

    def note(what: str, seconds: float) -> None:
        record_property("took", f"{what}: {seconds:.1f} s")

    return note


@pytest.fixture(scope="session")
def superadmin(live: LiveProduct, chromium: Browser) -> str:
    """Made by the one-time link, as on a new machine; the login. Everything else of a product needs one first."""
    link = live.find_setup_link()
    if link is not None:
        context = chromium.new_context(base_url=live.address)
        context.set_default_timeout(PATIENCE_MS)
        steps.become_superadmin(context.new_page(), link)
        context.close()
    return steps.SUPERADMIN


@pytest.fixture
def superadmin_page(superadmin: str, new_page: Callable[..., Page]) -> Page:
    """Somebody signed in as the superadmin."""
    page = new_page()
    steps.sign_in(page, superadmin)
    return page


def _keep_pictures(contexts: list[BrowserContext], name: str) -> None:
    folder = ROOT / "test-results" / "".join(c if c.isalnum() else "_" for c in name)[:80]
    folder.mkdir(parents=True, exist_ok=True)
    pages = [page for context in contexts for page in context.pages]
    for number, page in enumerate(pages):
        page.screenshot(path=folder / f"page-{number}.png", full_page=True)
        (folder / f"page-{number}.html").write_text(page.content())
