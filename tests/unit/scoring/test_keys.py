import pytest

from backend.scoring.keys import InvalidKey, ReadAloudKey, RetellingKey, SentenceBuildKey, key_from_dict


def test_each_task_has_its_key() -> None:
    assert key_from_dict("read_aloud", {"text": " Good morning. "}) == ReadAloudKey(text="Good morning.")
    build = key_from_dict("sentence_build", {"phrases": ["a", "b", "c"], "accepted": ["a b c"]})
    assert build == SentenceBuildKey(phrases=("a", "b", "c"), accepted=("a b c",))
    retelling = key_from_dict(
        "retelling", {"story": "s", "key_points": [{"text": "t", "accepted": ["u"]}, {"text": "v"}]}
    )
    assert isinstance(retelling, RetellingKey)
    assert retelling.key_points[0].ways == ("t", "u")
    assert retelling.key_points[1].ways == ("v",)
    key_from_dict("open_question", {})


@pytest.mark.parametrize(
    ("task", "data", "field"),
    [
        ("read_aloud", {}, "text"),
        ("repeat", {"text": "  "}, "text"),
        ("short_answer", {"accepted": []}, "accepted"),
        ("short_answer", {"accepted": "dog"}, "accepted"),
        ("short_answer", {"accepted": ["dog", 3]}, "accepted"),
        ("sentence_build", {"phrases": ["a"], "accepted": ["a"]}, "phrases"),
        ("retelling", {"story": "s", "key_points": []}, "key_points"),
        ("retelling", {"story": "s", "key_points": ["t"]}, "key_points"),
        ("retelling", {"story": "s", "key_points": [{"accepted": ["u"]}]}, "text"),
    ],
)
def test_a_wrong_key_names_its_field(task: str, data: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidKey) as refused:
        key_from_dict(task, data)
    assert refused.value.field == field


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(KeyError):
        key_from_dict("juggling", {})
