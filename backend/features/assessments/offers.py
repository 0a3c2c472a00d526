"""Published forms as formats that can be scheduled."""

from collections.abc import Sequence

from backend.features.assessments.repository import Formats, OfferedFormat
from backend.features.items.forms import PublishedFormat
from backend.features.items.repository import Forms


class FormatsFromForms(Formats):
    def __init__(self, forms: Forms) -> None:
        self._forms = forms

    def list_offered(self) -> Sequence[OfferedFormat]:
        return [_offered(each) for each in self._forms.list_published()]

    def find_offered(self, format_id: str) -> OfferedFormat | None:
        found = self._forms.find_published(format_id)
        return None if found is None else _offered(found)


def _offered(published: PublishedFormat) -> OfferedFormat:
    return OfferedFormat(
        id=published.id,
        version=published.version,
        title=published.title,
        item_count=published.item_count,
        allowed=published.allowed,
        form_ids=published.form_ids,
    )
