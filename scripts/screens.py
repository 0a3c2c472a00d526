"""`make screens`: pictures of every page into docs/screens/, on a phone and a desktop, in light and in dark.

Needs a running Viva with the demonstration in it (`make up demo`): it renews the demonstration's passwords to sign in.
The pictures are WebP and small; those of a page that is gone are removed.
"""

import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from config.settings import PROJECT_ROOT, load_settings
from scripts.test import find_chromium, install_programs

FOLDER = PROJECT_ROOT / "docs" / "screens"
MOST_BYTES = 80_000
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
FAKE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
TALLEST = 1800


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A page: `path`, or the address of the first link on `path` whose address matches `link`."""

    name: str
    path: str
    link: str = ""


EVERYBODY = (
    Shot(name="sign-in", path="/sign-in"),
    Shot(name="forgotten", path="/forgotten"),
    Shot(name="verify", path="/verify"),
    Shot(name="not-found", path="/no-such-page"),
)
SUPERADMIN = (
    Shot(name="campuses", path="/campuses"),
    Shot(name="campus", path="/campuses", link=r"/campuses/(?!new)[^/]+$"),
    Shot(name="campus-new", path="/campuses/new"),
    Shot(name="outbox", path="/outbox"),
    Shot(name="mail", path="/outbox", link=r"/outbox/[^/]+$"),
    Shot(name="audit", path="/audit"),
)
CAMPUS = (
    Shot(name="campus-home", path="/"),
    Shot(name="courses", path="/courses"),
    Shot(name="batches", path="/batches"),
    Shot(name="batch", path="/batches", link=r"/batches/[^/?]+$"),
    Shot(name="roster-import", path="{batch}/students/import"),
    Shot(name="login-cards", path="{batch}/login-cards"),
    Shot(name="student-new", path="{batch}/students/new"),
    Shot(name="student", path="{batch}", link=r"^/students/[^/]+$"),
    Shot(name="items", path="/items"),
    Shot(name="item", path="/items", link=r"/items/(?!forms)[^/?]+$"),
    Shot(name="tests", path="/tests"),
    Shot(name="test-new", path="/tests/new"),
    Shot(name="test", path="{ended}"),
    Shot(name="monitor", path="{running}/monitor"),
    Shot(name="unscored", path="{ended}/unscored"),
    Shot(name="results", path="{ended}/results"),
    Shot(name="result", path="{ended}/results", link=r"/results/[^/]+$"),
    Shot(name="mailing", path="{ended}/results", link=r"^/mailings/[^/]+$"),
    Shot(name="account", path="/account"),
)
STUDENT = (Shot(name="student-home", path="/"), Shot(name="student-results", path="/results"))


def main() -> int:
    install_programs()
    chromium = find_chromium()
    if chromium is None:
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    sign_ins = _renewed_sign_ins()
    made: set[str] = set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", *FAKE_MICROPHONE])
        for width, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
            for scheme in ("light", "dark"):
                for name, picture in _pictures(browser, sign_ins, viewport, scheme):
                    made.add(_keep(name, width, scheme, picture))
                    print(f"  {name} {width} {scheme}", flush=True)
        browser.close()
    for stale in FOLDER.glob("*.webp"):
        if stale.name not in made:
            stale.unlink()
    total = sum(path.stat().st_size for path in FOLDER.glob("*.webp"))
    print(f"{len(made)} pictures, {total / 1e6:.1f} MB, in {FOLDER.relative_to(PROJECT_ROOT)}")
    return 0


def _renewed_sign_ins() -> dict[str, list[dict[str, str]]]:
    """By role. Passwords of the demonstration are nobody's: new ones are made for this."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = (sys.executable, "-m", "scripts.seed_demo", "--json", file.name)
        subprocess.run(command, cwd=PROJECT_ROOT, check=True, stdout=subprocess.DEVNULL)
        found: dict[str, list[dict[str, str]]] = {}
        for entry in json.loads(Path(file.name).read_text()):
            found.setdefault(entry["role"], []).append(entry)
        return found


def _pictures(
    browser: Browser, sign_ins: dict[str, list[dict[str, str]]], viewport: dict[str, int], scheme: str
) -> Iterator[tuple[str, bytes]]:
    for role, shots in (("", EVERYBODY), ("superadmin", SUPERADMIN), ("campus admin", CAMPUS), ("student", STUDENT)):
        page = _new_page(browser, viewport, scheme)
        if role:
            if role not in sign_ins:
                continue
            _sign_in(page, sign_ins[role][0])
        places = _places(page) if role == "campus admin" else {}
        for shot in shots:
            yield shot.name, _picture(page, shot, places)
        page.context.close()
    if "student" in sign_ins:
        page = _new_page(browser, viewport, scheme)
        _sign_in(page, sign_ins["student"][1])
        yield from _exam(page)
        page.context.close()
    if "student in a test" in sign_ins:
        page = _new_page(browser, viewport, scheme)
        _sign_in(page, sign_ins["student in a test"][0])
        yield from _item(page)
        page.context.close()


def _new_page(browser: Browser, viewport: dict[str, int], scheme: str) -> Page:
    context = browser.new_context(
        base_url=load_settings().public_url,
        viewport=viewport,  # type: ignore[arg-type] # width and height, as it wants them
        color_scheme=scheme,  # type: ignore[arg-type] # light or dark
        reduced_motion="reduce",
        device_scale_factor=1,
    )
    return context.new_page()


def _sign_in(page: Page, who: dict[str, str]) -> None:
    page.goto("/sign-in")
    page.get_by_label("Login").fill(who["login"])
    page.get_by_label("Password or one-time code").fill(who["password"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def _places(page: Page) -> dict[str, str]:
    """Addresses of the demonstration's batch and tests."""
    page.goto("/tests")
    ended = _address(page, page.get_by_role("link", name="Mid-term speaking test").first.get_attribute("href"))
    running = _address(page, page.get_by_role("link", name="Speaking test, October").first.get_attribute("href"))
    page.goto("/batches")
    return {"ended": ended, "running": running, "batch": _first_link(page, r"/batches/[^/?]+$")}


def _address(page: Page, href: str | None) -> str:
    return str(page.evaluate("href => new URL(href, document.baseURI).pathname", href or "/"))


def _first_link(page: Page, pattern: str) -> str:
    hrefs = page.locator("main a").evaluate_all("links => links.map(link => new URL(link.href).pathname)")
    return next((href for href in hrefs if re.search(pattern, href)), page.url)


def _picture(page: Page, shot: Shot, places: dict[str, str]) -> bytes:
    page.goto(shot.path.format(**places))
    if shot.link:
        page.goto(_first_link(page, shot.link))
    return _shoot(page)


def _shoot(page: Page) -> bytes:
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready")
    page.locator("[data-monitor-loading]").wait_for(state="hidden")
    size = page.viewport_size or DESKTOP
    height = min(TALLEST, int(page.evaluate("document.documentElement.scrollHeight")))
    return page.screenshot(
        clip={"x": 0, "y": 0, "width": size["width"], "height": max(size["height"], height)}, full_page=True
    )


def _exam(page: Page) -> Iterator[tuple[str, bytes]]:
    """The candidate's pages up to the device check, which is where looking on changes nothing."""
    page.goto("/")
    start = page.get_by_role("link", name=re.compile("^(Start|Go on)"))
    if start.count() == 0:
        return
    start.first.click()
    check = page.get_by_role("button", name="Check my device")
    check.wait_for()
    yield "exam-welcome", _shoot(page)
    check.click()
    page.get_by_role("button", name="Use my microphone").wait_for()
    yield "exam-check", _shoot(page)
    page.get_by_role("button", name="Use my microphone").click()
    page.get_by_role("button", name="Record").click()
    page.get_by_role("heading", name="Speak now").wait_for()
    yield "exam-microphone", _shoot(page)


def _item(page: Page) -> Iterator[tuple[str, bytes]]:
    """An item that records. The sitting goes on by an item: it is the demonstration's, and has many."""
    go_on = page.get_by_role("link", name=re.compile("^Go on"))
    if go_on.count() == 0:
        return
    go_on.first.click()
    page.get_by_role("button", name="Continue the test").click()
    recording = page.locator('.exam-item[data-mode="recording"]')
    instructions = page.get_by_role("button", name="Continue", exact=True)
    recording.or_(instructions).first.wait_for(timeout=60_000)
    if instructions.is_visible():
        instructions.click()
    recording.wait_for(timeout=60_000)
    yield "exam-item", _shoot(page)


def _keep(name: str, width: str, scheme: str, picture: bytes) -> str:
    """Stored as WebP, at the best quality that stays small."""
    file = f"{name}-{width}-{scheme}.webp"
    data = b""
    for quality in (70, 50, 30, 15):
        data = _webp(picture, quality)
        if len(data) <= MOST_BYTES:
            break
    (FOLDER / file).write_bytes(data)
    return file


def _webp(png: bytes, quality: int) -> bytes:
    with av.open(io.BytesIO(png), "r") as source:
        frame = next(source.decode(video=0))
        whole = frame.to_ndarray(format="rgb24")
    # Chroma is stored for two by two pixels: an odd last row or column is left out.
    pixels = np.ascontiguousarray(whole[: whole.shape[0] // 2 * 2, : whole.shape[1] // 2 * 2], dtype=np.uint8)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webp") as target:
        stream = target.add_stream("libwebp", rate=1)
        stream.width, stream.height, stream.pix_fmt = pixels.shape[1], pixels.shape[0], "yuv420p"
        stream.options = {"quality": str(quality), "preset": "text"}
        for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
            target.mux(packet)
        for packet in stream.encode(None):
            target.mux(packet)
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main())
