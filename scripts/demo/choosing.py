"""What the invented students choose: the right answers, as often as they are able to, else something else."""

from random import Random

from backend.features.attempts.paper import PaperItem
from backend.features.attempts.responses import Answer
from backend.scoring.keys import AnswerKey, ChoiceKey, GapsKey, MatchKey, OrderKey


def chosen_answer(item: PaperItem, key: AnswerKey, *, ability: float, seed: str) -> Answer:
    """`ability` 0..1: how often each thing that is to be chosen is right."""
    choice = Random(seed)  # noqa: S311 - variety, not secrets
    match key:
        case ChoiceKey(correct=correct, options=options):
            guess = sorted(choice.sample(range(len(options)), len(correct)))
            return Answer(choices=correct if choice.random() < ability else tuple(guess))
        case MatchKey(correct=correct, right=right):
            return Answer(
                choices=tuple(pair if choice.random() < ability else choice.randrange(len(right)) for pair in correct)
            )
        case OrderKey(orders=orders):
            guess = choice.sample(orders[0], len(orders[0]))
            return Answer(choices=tuple(orders[0]) if choice.random() < ability else tuple(guess))
        case GapsKey(gaps=gaps):
            return Answer(texts=tuple(accepted[0] if choice.random() < ability else "the" for accepted in gaps))
    raise AssertionError(item.task)
