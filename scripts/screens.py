"""`make screens`: pictures of every page into docs/screens/, on a phone and a desktop, in light and in dark.

ONLY=tests,monitor takes these anew and leaves the others.

Needs a running Viva with the demonstration in it (`make up demo`): it renews the demonstration's passwords to sign in.
The pictures are WebP and small; those of a page that is gone are removed. What is typed or chosen is pictured in the
demonstration's written test, each kind that its format has; pictures of other kinds stay.
"""

import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from config.settings import PROJECT_ROOT, load_settings
from scripts.demo.in_browser import begin_at
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
    Shot(name="link-expired", path="/reset/used"),
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
    Shot(name="accommodations", path="{granted}"),
    Shot(name="invigilators", path="/invigilators"),
    Shot(name="items", path="/items"),
    Shot(name="item", path="/items", link=r"/items/(?!forms)[^/?]+$"),
    Shot(name="item-set", path="/items?task=multiple_choice", link=r"/items/(?!forms)[^/?]+$"),
    Shot(name="item-gaps", path="/items?task=gap_fill", link=r"/items/(?!forms)[^/?]+$"),
    Shot(name="form", path="/items", link=r"/items/forms/[^/?]+$"),
    Shot(name="tests", path="/tests"),
    Shot(name="test-new", path="/tests/new"),
    Shot(name="test", path="{ended}"),
    Shot(name="monitor", path="{running}/monitor"),
    Shot(name="record", path="{running}/record"),
    Shot(name="conditions", path="{running}/conditions"),
    Shot(name="ratings", path="{ended}/ratings"),
    Shot(name="rating", path="{ended}/ratings", link=r"/ratings/(?!agreement)[^/]+$"),
    Shot(name="agreement", path="{ended}/ratings/agreement"),
    Shot(name="queue", path="/scoring"),
    Shot(name="campus-audit", path="/audit"),
    Shot(name="unscored", path="{ended}/unscored"),
    Shot(name="results", path="{ended}/results"),
    Shot(name="result", path="{ended}/results", link=r"/results/[^/]+$"),
    Shot(name="answer", path="{result}", link=r"/answers/2$"),
    Shot(name="how", path="{result}", link=r"/how$"),
    Shot(name="mailing", path="{ended}/results", link=r"^/mailings/[^/]+$"),
    Shot(name="account", path="/account"),
)
INVIGILATOR = (
    Shot(name="invigilator-home", path="/"),
    Shot(name="invigilator-monitor", path="/", link=r"/monitor$"),
)
ROSTER = """Students of 2026;;;;
Roll No;Name;;Contact;
;First;Last;E-mail;Phone
NEW101;Asha;Nair;asha.nair@students.example.edu;
NEW102;José;Muñoz;jose@students.example.edu;
NEW103;Zoë;Rao;jose@students.example.edu;
NEW103;Ravi;Das;;
;Kiran;Sen;;
NEW105;Lata;Iyer;lata at example;
2.3E+11;Meghna;Shah;;
"""
STUDENT = (Shot(name="student-home", path="/"), Shot(name="student-results", path="/results"))


SHOTS = (
    ("", EVERYBODY),
    ("superadmin", SUPERADMIN),
    ("campus admin", CAMPUS),
    ("invigilator", INVIGILATOR),
    ("student", STUDENT),
)
# How an item that is typed or chosen is begun for its picture; the others are pictured as they come.
BEGUN: dict[str, Callable[[Page], None]] = {
    "typing": lambda page: page.keyboard.type(page.locator(".answer-copy").inner_text()[:60]),
    "sentence_completion": lambda page: page.get_by_role("textbox").fill("water"),
    "multiple_choice": lambda page: page.get_by_role("radio").nth(1).check(),
    "multiple_response": lambda page: page.get_by_role("checkbox").first.check(),
    "email": lambda page: page.get_by_role("textbox").fill("Dear Sir or Madam,\n\nI am writing about"),
    "essay": lambda page: page.get_by_role("textbox").fill("The text says that"),
}


ONLY = frozenset(filter(None, os.environ.get("ONLY", "").split(",")))


def is_wanted(*names: str) -> bool:
    return not ONLY or bool(ONLY.intersection(names))


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
        for role, names, sit in AS_CANDIDATES:
            if role not in sign_ins or not is_wanted(*names):
                continue
            page = _new_page(browser, DESKTOP, "light")
            _sign_in(page, sign_ins[role][0])
            for name, width, scheme, picture in sit(page):
                made.add(_keep(name, width, scheme, picture))
                print(f"  {name} {width} {scheme}", flush=True)
            page.context.close()
        browser.close()
    for stale in FOLDER.glob("*.webp"):
        if not ONLY and stale.name not in made and not stale.name.startswith("answering-"):
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
    for role, shots in SHOTS:
        chosen = [shot for shot in shots if is_wanted(shot.name)]
        if not chosen and not (role == "campus admin" and is_wanted("roster-preview")):
            continue
        page = _new_page(browser, viewport, scheme)
        if role:
            if role not in sign_ins:
                continue
            _sign_in(page, sign_ins[role][0])
        places = _places(page) if role == "campus admin" else {}
        for shot in chosen:
            yield shot.name, _picture(page, shot, places)
        if places and is_wanted("roster-preview"):
            yield "roster-preview", _roster_preview(page, places["batch"])
        page.context.close()
    if "student" in sign_ins and is_wanted("exam-welcome", "exam-check", "exam-microphone"):
        page = _new_page(browser, viewport, scheme)
        _sign_in(page, sign_ins["student"][1])
        yield from _exam(page)
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
    page.goto(f"{ended}/results")
    result = _first_link(page, r"/results/[^/]+$")
    page.goto("/batches")
    batch = _first_link(page, r"/batches/[^/?]+$")
    return {"ended": ended, "running": running, "batch": batch, "result": result, "granted": _granted(page)}


def _granted(page: Page) -> str:
    """Accommodations of the student who has some: of the batch that sits the running test, the fourth."""
    page.goto("/batches")
    page.goto(_address(page, page.locator("main a").filter(has_text="2026 B").first.get_attribute("href")))
    students = page.locator("main a").evaluate_all("links => links.map(link => new URL(link.href).pathname)")
    named = [path for path in students if re.fullmatch(r"/students/[^/]+", path) and not path.endswith("/new")]
    return f"{list(dict.fromkeys(named))[3]}/accommodations"


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


def _roster_preview(page: Page, batch: str) -> bytes:
    """Of a list as colleges bring it, with mistakes; nothing is imported."""
    page.goto(f"{batch}/students/import")
    page.get_by_label("The list", exact=True).set_input_files(
        {"name": "students.csv", "mimeType": "text/csv", "buffer": ROSTER.encode("cp1252")}
    )
    page.get_by_role("button", name="Show me what would happen").click()
    page.get_by_role("heading", name=re.compile("^What would happen")).wait_for()
    return _shoot(page)


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


def _sat(page: Page, title: str = "") -> str:
    """The first test, of that title, that may be sat now."""
    page.goto("/")
    start = page.get_by_role("link", name=re.compile("^(Start|Go on)")).filter(has_text=title).first
    return _address(page, start.get_attribute("href")).rsplit("/", 1)[-1]


def _go_to(page: Page, delivery_id: str, letter: str, *, item: str) -> None:
    """The test's page at the first item of a part, everything before it left out."""
    _, parts = begin_at(page, delivery_id, 0)
    begin_at(page, delivery_id, parts[letter])
    page.goto(f"/sit/{delivery_id}")
    page.get_by_role("button", name="Continue the test").click()
    instructions = page.get_by_role("button", name="Continue", exact=True)
    page.locator(item).or_(instructions).first.wait_for(timeout=180_000)
    if instructions.is_visible():
        instructions.click()
    page.locator(item).wait_for(timeout=180_000)


def _spoken(page: Page) -> Iterator[tuple[str, str, str, bytes]]:
    """Items that record: a test goes on while its pictures are taken."""
    recording = '.exam-item[data-mode="recording"]'
    _go_to(page, _sat(page), "A", item=recording)
    yield from _in_every_light(page, "exam-item", when=recording)


def _read(page: Page) -> Iterator[tuple[str, str, str, bytes]]:
    """A question of a heard set, and the texts with their questions."""
    delivery_id = _sat(page, "Listening and reading test")
    _go_to(page, delivery_id, "B", item=".answer-item")
    yield from _in_every_light(page, "listening-set")
    page.goto("/")
    _go_to(page, delivery_id, "G", item=".part-item")
    page.get_by_role("radio").nth(1).check()
    yield from _in_every_light(page, "reading-set")


def _written(page: Page) -> Iterator[tuple[str, str, str, bytes]]:
    """The first item of each kind, begun, as a candidate goes through the test; everything else is left out."""
    page.goto("/")
    page.get_by_role("link", name=re.compile("^(Start|Go on)")).first.click()
    for button in ("Check my device", "Play the notes", "Yes"):
        page.get_by_role("button", name=button).click()
    begin, skip = (
        page.get_by_role("button", name="Begin the test"),
        page.get_by_role("button", name="I know what to do"),
    )
    begin.or_(skip).first.wait_for()
    if skip.is_visible():
        skip.click()
    begin.click()
    go_on, item = page.get_by_role("button", name="Continue", exact=True), page.locator(".answer-item")
    is_over, seen = page.get_by_role("heading", name="You are done"), set()
    while True:
        go_on.or_(item).or_(is_over).first.wait_for(timeout=180_000)
        if is_over.is_visible():
            return
        if go_on.is_visible():
            go_on.click()
            go_on.wait_for(state="hidden")
            continue
        position, task = item.get_attribute("data-position"), item.get_attribute("data-task") or ""
        page.locator(f'.answer-item[data-position="{position}"] .answer-next:enabled').wait_for(timeout=180_000)
        if task not in seen:
            seen.add(task)
            BEGUN.get(task, Page.bring_to_front)(page)
            yield from _in_every_light(page, f"answering-{task.replace('_', '-')}")
        _leave(page, position or "")


def _leave(page: Page, position: str) -> None:
    """On to the next item; pressed twice where nothing was answered."""
    here = page.locator(f'.answer-item[data-position="{position}"]')
    for _ in range(2):
        if here.is_visible():
            here.locator(".answer-next").click()
            page.wait_for_timeout(300)
    here.wait_for(state="hidden", timeout=180_000)


def _in_every_light(page: Page, name: str, *, when: str = "body") -> Iterator[tuple[str, str, str, bytes]]:
    """What is on, without loading it again, while there is what `when` selects."""
    for width, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
        page.set_viewport_size(viewport)  # type: ignore[arg-type] # width and height, as it wants them
        # As tall as the page: its foot stands at the bottom of the window.
        height = int(page.evaluate("document.documentElement.scrollHeight"))
        page.set_viewport_size({"width": viewport["width"], "height": max(viewport["height"], height)})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.locator(when).wait_for(timeout=180_000)
            yield name, width, scheme, _shoot(page)


AS_CANDIDATES = (
    ("student, speaking", ("exam-item",), _spoken),
    ("student, reading", ("listening-set", "reading-set"), _read),
    ("student, written", ("answering",), _written),
)
"""Sign-ins, what their pictures are called (`answering-...` by the kind of item), and who takes them."""


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
