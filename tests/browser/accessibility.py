"""Whether a page can be used by everybody, as far as a machine can tell: axe-core, run on the page as it stands."""

from pathlib import Path

from playwright.sync_api import Page

_AXE = Path(__file__).resolve().parents[2] / "frontend_templates/_client/node_modules/axe-core/axe.min.js"
_GRAVE = frozenset({"serious", "critical"})


def list_grave_faults(page: Page) -> list[str]:
    """One line for each serious or critical fault: rule, places. Injected past the content security policy."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": _AXE.read_text()})
    session.detach()
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [_describe(fault) for fault in found["violations"] if fault["impact"] in _GRAVE]


def overflow_px(page: Page) -> int:
    """By how many pixels the page is wider than the window; 0 when it fits."""
    return int(page.evaluate("Math.max(0, document.documentElement.scrollWidth - window.innerWidth)"))


def _describe(fault: dict[str, object]) -> str:
    nodes = fault["nodes"]
    places = [str(node["target"]) for node in nodes] if isinstance(nodes, list) else []
    return f"{fault['id']} ({fault['impact']}): {', '.join(places[:5])}"
