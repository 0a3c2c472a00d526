"""The item bank's answer keys, as scorers take them."""

from backend.features.items.repository import Items
from backend.features.items.usecases import get_answer_key
from backend.features.ratings.repository import AnswerKeys
from backend.scoring.keys import AnswerKey, OpenQuestionKey


class KeysFromItems(AnswerKeys):
    def __init__(self, items: Items) -> None:
        self._items = items

    def get(self, item_id: str, item_version: int) -> AnswerKey:
        key = get_answer_key(item_id=item_id, version=item_version, items=self._items)
        if isinstance(key, OpenQuestionKey):
            version = self._items.find_version(item_id, item_version)
            return OpenQuestionKey(question=version.headline if version is not None else "")
        return key
