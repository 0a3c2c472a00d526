"""typst: a folder with a template becomes a tagged PDF, in some ten milliseconds, in this process.

The template is `main.typ` and reads what it shows from ``json(bytes(sys.inputs.data))``. It must set a document title:
PDF/UA-1, the standard for documents that a screen reader can follow, refuses one without.

Fonts come with the front end's packages (Noto, for names in Indian scripts and Arabic) and with typst itself; those of
the machine are a last resort, because two machines would then make two different files.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Literal

import typst

from backend.core.errors import PermanentFailure
from backend.core.ports import Typesetter

TEMPLATES = Path(__file__).resolve().parents[3] / "frontend_templates"
REPORTS = TEMPLATES / "reports"
FONTS = TEMPLATES / "_client" / "node_modules" / "@expo-google-fonts"
Standard = Literal["ua-1"]
_MAIN = "main.typ"


def render_pdf(
    template_dir: Path, data: Mapping[str, object], *, made_at: datetime | None = None, root: Path = TEMPLATES
) -> bytes:
    """The PDF of `template_dir`/main.typ with `data`, anything that JSON can hold.

    `made_at` is the date inside the file; the same data and date give the same bytes. Files that the template reads lie
    below `root`. Raises PermanentFailure("pdf_not_rendered") when the template or its data are wrong.
    """
    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    # typst keeps whole seconds, and refuses what is finer.
    moment = (made_at or datetime(2000, 1, 1, tzinfo=UTC)).replace(microsecond=0)
    try:
        return _compile(template_dir / _MAIN, root, inputs, moment, standards=["ua-1"], fonts=_fonts(machine=False))
    except typst.TypstError:
        # The standard refuses a character that no font at hand can show, such as a name in a script without a font
        # here. The document is still tagged, and a person still needs it.
        return _compile_or_fail(template_dir / _MAIN, root, inputs, moment)


def _compile_or_fail(main: Path, root: Path, inputs: dict[str, str], moment: datetime) -> bytes:
    try:
        return _compile(main, root, inputs, moment, standards=[], fonts=_fonts(machine=True))
    except typst.TypstError:
        # The vendor's text quotes the template's values.
        raise PermanentFailure("pdf_not_rendered") from None


@cache
def _fonts(*, machine: bool) -> typst.Fonts:
    return typst.Fonts(include_system_fonts=machine, font_paths=[FONTS] if FONTS.is_dir() else [])


def _compile(
    main: Path,
    root: Path,
    inputs: dict[str, str],
    moment: datetime,
    *,
    standards: list[Standard],
    fonts: typst.Fonts,
) -> bytes:
    compiler = typst.Compiler(input=main, root=root, sys_inputs=inputs, font_paths=fonts)
    compiled = compiler.compile(format="pdf", pdf_standards=[*standards], timestamp=moment)
    if not isinstance(compiled, bytes):
        raise PermanentFailure("pdf_not_rendered")
    return compiled


class TypstTypesetter(Typesetter):
    """The port over `render_pdf`."""

    def render(self, template: str, data: Mapping[str, object], *, made_at: datetime) -> bytes:
        return render_pdf(REPORTS / template, data, made_at=made_at)
