"""Forms as papers. Forms never change, so a process keeps the papers it has read."""

from backend.features.attempts.paper import Demonstration, Paper, PaperItem, PaperSection
from backend.features.attempts.repository import Papers
from backend.features.items.forms import Form, FormItem, FormSection
from backend.features.items.repository import Forms
from backend.features.items.usecases import get_form

_KEPT = 64


class PapersFromForms(Papers):
    def __init__(self, forms: Forms) -> None:
        self._forms = forms
        self._papers: dict[str, Paper] = {}

    def get(self, form_id: str) -> Paper:
        paper = self._papers.get(form_id)
        if paper is None:
            paper = make_paper(get_form(form_id=form_id, forms=self._forms))
            if len(self._papers) >= _KEPT:
                self._papers.clear()
            self._papers[form_id] = paper
        return paper


def make_paper(form: Form) -> Paper:
    """What an attempt needs of a form."""
    return Paper(
        form_id=form.id,
        sections=tuple(_section(section) for section in form.sections),
        items=tuple(_item(item) for item in form.items),
        demonstration=Demonstration(
            title=form.demonstration.title, text=form.demonstration.text, audio_key=form.demonstration.blob_key
        ),
        allowed=form.allowed,
        goes_on_offline=form.goes_on_offline,
        scale=form.scale,
    )


def _section(section: FormSection) -> PaperSection:
    return PaperSection(
        letter=section.letter,
        title=section.title,
        task=section.task,
        instructions=section.instructions,
        example=section.example,
        instructions_audio_key=section.instructions_blob_key,
        first_position=section.first_position,
        item_count=section.item_count,
        practice_count=section.practice_count,
        time_limit_ms=section.time_limit_ms,
        traits=section.traits,
    )


def _item(item: FormItem) -> PaperItem:
    return PaperItem(
        position=item.position,
        section_letter=item.section_letter,
        number=item.number,
        of=item.of,
        task=item.task,
        practice=item.practice,
        text=item.shown_text,
        prompt_key=item.prompt_blob_key,
        prompt_content_type=item.prompt_content_type,
        prompt_ms=item.prompt_ms,
        window_ms=item.window_ms,
        begin_within_ms=item.begin_within_ms,
        silence_end_ms=item.silence_end_ms,
        item_id=item.item_id,
        item_version=item.item_version,
        answer_kind=item.answer_kind,
        shown=item.shown,
    )
