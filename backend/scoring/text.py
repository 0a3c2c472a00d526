"""Words as a fair examiner compares them, and the alignment of what was expected with what was heard.

Spelling, case, digits, contractions, fillers, British and American forms and words that sound alike must never cost a
candidate a point: the recogniser chose them, not the speaker.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


def _word_list(text: str) -> list[str]:
    return text.split()


def word_set(text: str) -> frozenset[str]:
    """The words of a table written as text."""
    return frozenset(text.split())


FILLERS = word_set(
    """
    um umm uh uhh uhm er err erm ah ahh eh hm hmm mm mmm mhm uh-huh
    """
)

_ONES = _word_list(
    """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
    """
)
_TENS = _word_list(
    """
    zero ten twenty thirty forty fifty sixty seventy eighty ninety
    """
)
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip

_CONTRACTIONS = {
    "can't": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not", "let's": "let us", "i'm":
    "i am", "gonna": "going to", "wanna": "want to", "gotta": "got to", "ok": "okay", "mr": "mister", "mrs":
    "missis", "dr": "doctor", "st": "saint", "ain't": "is not", "y'all": "you all", "o'clock": "oclock",
}  # fmt: skip
_IS_AFTER = word_set(
    """
    it he she that what there here who where how when why this everything everyone
    """
)

_SPELLINGS = """
colour color; favourite favorite; favour favor; neighbour neighbor; neighbourhood neighborhood; behaviour behavior;
honour honor; labour labor; harbour harbor; flavour flavor; humour humor; rumour rumor; centre center; theatre
theater; metre meter; litre liter; kilometre kilometer; organise organize; realise realize; recognise recognize;
apologise apologize; analyse analyze; criticise criticize; specialise specialize; summarise summarize; emphasise
emphasize; memorise memorize; practise practice; licence license; defence defense; offence offense; travelled
traveled; travelling traveling; traveller traveler; cancelled canceled; cancelling canceling; programme program;
cheque check; grey gray; tyre tire; storey story; jewellery jewelry; aeroplane airplane; pyjamas pajamas; mum mom;
mummy mommy; learnt learned; burnt burned; dreamt dreamed; spelt spelled; spoilt spoiled; towards toward; afterwards
afterward; whilst while; enrol enroll; skilful skillful; fulfil fulfill; judgement judgment; catalogue catalog;
dialogue dialog; tonne ton; plough plow; sceptical skeptical; mould mold; draught draft; kerb curb; aluminium
aluminum; moustache mustache; per percent; alright allright; maths math; organised organized; realised realized;
organisation organization; recognised recognized; colours colors; neighbours neighbors; centres centers; favourites
favorites; metres meters
"""
_HOMOPHONES = """
to too two; there their theyre; its itis; your youre; hear here; for four fore; ate eight; won one; son sun; sea see;
meet meat; know no; knew new; right write rite; by buy bye; be bee; week weak; wait weight; way weigh; whether
weather; which witch; wear where ware; would wood; hour our; flower flour; mail male; sail sale; tail tale; pair pear
pare; peace piece; plain plane; road rode rowed; read red reed; role roll; root route; sell cell; cent sent scent;
steal steel; stair stare; some sum; threw through; waist waste; aloud allowed; bare bear; board bored; brake break;
dear deer; die dye; fair fare; feet feat; great grate; heal heel; hole whole; knight night; lead led; made maid; main
mane; missed mist; morning mourning; nose knows; pale pail; past passed; pause paws; poor pour pore; principal
principle; rain reign rein; sight site cite; seen scene; seam seem; sole soul; sweet suite; their there; tied tide;
toe tow; vary very; wrap rap; berry bury; blue blew; bow bough; cereal serial; close clothes; coarse course; guessed
guest; hair hare; him hymn; in inn; key quay; knot not; loan lone; mind mined; none nun; oar or ore; packed pact;
pedal peddle; roes rose rows; sew so sow; stake steak; than then; thrown throne; toad towed; war wore; warn worn; whos
whose; yoke yolk; tom toms; an and; lets let; everyday every-day; mister mr; im am; hey hay; high hi; i eye aye; oh
owe; or are
"""


def _groups(text: str) -> dict[str, str]:
    table: dict[str, str] = {}
    for group in text.replace("\n", " ").split(";"):
        words = group.split()
        for word in words:
            table.setdefault(word, words[-1])
    return table


_SPELLING_OF = _groups(_SPELLINGS)
# "than/then", "an/and", "or/are" sound alike in running speech only; they are compared, not rewritten.
_SOUND_OF = _groups(_HOMOPHONES)


def number_words(value: int) -> list[str]:
    """0..999,999,999 in words, without "and": 1905 -> one thousand nine hundred five."""
    if value < 20:
        return [_ONES[value]]
    if value < 100:
        return [_TENS[value // 10], *([_ONES[value % 10]] if value % 10 else [])]
    for size, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if value >= size:
            rest = number_words(value % size) if value % size else []
            return [*number_words(value // size), name, *rest]
    raise AssertionError("unreachable")


def _ordinal(value: int) -> list[str]:
    *head, last = number_words(value)
    if last.endswith("y"):
        return [*head, last[:-1] + "ieth"]
    return [*head, _ORDINALS.get(last, last + "th")]


def _year(value: int) -> list[str]:
    if value % 100 == 0:
        return [*number_words(value // 100), "hundred"]
    tail = number_words(value % 100)
    return [*number_words(value // 100), *(["o"] if value % 100 < 10 else []), *tail]


def _digits_to_words(token: str) -> list[str]:
    """A token that holds digits, spoken: 3rd, 7:30, $5, 20%, 1984, 1,000, 3.5, 10am. Others come back as they are."""
    if time := re.fullmatch(r"(\d{1,2}):(\d\d)(am|pm)?", token):
        hours, minutes = int(time[1]), int(time[2])
        spoken = [] if minutes == 0 else (["o"] if minutes < 10 else []) + number_words(minutes)
        return [*number_words(hours), *spoken, *(list(time[3]) if time[3] else [])]
    if ordinal := re.fullmatch(r"(\d{1,6})(st|nd|rd|th)", token):
        return _ordinal(int(ordinal[1]))
    if re.fullmatch(r"1[1-9]\d\d|20[1-9]\d", token):
        return _year(int(token))
    if whole := re.fullmatch(r"([$£€₹]?)(\d{1,9})(?:\.(\d+))?(%|am|pm|km|kg)?", token):
        words = number_words(int(whole[2]))
        if whole[3]:
            words += ["point", *(_ONES[int(digit)] for digit in whole[3])]
        unit = {"$": ["dollars"], "£": ["pounds"], "€": ["euros"], "₹": ["rupees"]}.get(whole[1], [])
        tail = {"%": ["percent"], "am": ["a", "m"], "pm": ["p", "m"], "km": ["kilometers"], "kg": ["kilos"]}
        return [*words, *unit, *tail.get(whole[4] or "", [])]
    return [
        piece
        for part in re.findall(r"\d+|[^\d]+", token)
        for piece in (_digits_to_words(part) if part.isdigit() and part != token else [part])
    ]


def _grouped_in_words(found: re.Match[str]) -> str:
    """1,200 is never a year."""
    value = int(found[0].replace(",", ""))
    return " ".join(number_words(value)) if value < 1_000_000_000 else found[0]


def _expand(token: str) -> list[str]:
    """A contraction in full; a possessive without its apostrophe."""
    if token in _CONTRACTIONS:
        return _CONTRACTIONS[token].split()
    head, mark, tail = token.partition("'")
    if not mark:
        return [token]
    if token.endswith("n't"):
        return [token[:-3], "not"]
    full = {"re": "are", "ve": "have", "ll": "will", "d": "would", "m": "am"}.get(tail)
    if full and head:
        return [head, full]
    if tail == "s" and head in _IS_AFTER:
        return [head, "is"]
    return [token.replace("'", "")]


@lru_cache(maxsize=4096)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, comparable: lower case, numbers in words, contractions in full, one spelling. Fillers
    stay."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("\u2019", "'").replace("\u2018", "'"))
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark))
    plain = re.sub(r"(?<![\d,.])\d{1,3}(,\d{3})+(?![\d.])", _grouped_in_words, plain)
    plain = re.sub(r"\b([ap])\.\s?m\.?(?=\W|$)", r"\1m", plain)
    plain = re.sub(r"(?<=\d)\s+(?=[ap]m\b)", "", plain)
    plain = re.sub(r"[^a-z0-9'$£€₹%:.]+", " ", plain)
    found: list[str] = []
    for raw in plain.split():
        token = raw.strip("'.:")
        spoken = _digits_to_words(token) if any(mark.isdigit() for mark in token) else [token]
        for word in spoken:
            found += [
                _SPELLING_OF.get(piece, piece)
                for piece in _expand(word)
                for piece in piece.replace(":", " ").replace(".", " ").split()
                if piece
            ]
    return tuple(word for word in found if any(mark.isalnum() for mark in word))


def sounds_like(one: str, other: str) -> bool:
    """The same word, or words that no listener could tell apart."""
    return one == other or _SOUND_OF.get(one, one) == _SOUND_OF.get(other, other)


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A rough stem: plural, past, -ing, -ly and comparative endings off."""
    for ending, instead in (
        ("ies", "y"),
        ("ied", "y"),
        ("sses", "ss"),
        ("ing", ""),
        ("edly", ""),
        ("ed", ""),
        ("ly", ""),
        ("es", ""),
        ("s", ""),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            base = word[: -len(ending)] + instead
            doubled = len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lsz"
            return (base[:-1] if doubled else base).rstrip("e")
    return word.rstrip("e") if len(word) > 3 else word


@lru_cache(maxsize=8192)
def closeness(one: str, other: str) -> float:
    """0..1 by letters: 1 minus the edit distance over the longer word. Homophones are 1, inflections at least 0.8."""
    if sounds_like(one, other):
        return 1.0
    by_letters = 1 - edit_distance(one, other) / max(len(one), len(other))
    return max(by_letters, 0.8) if stem(one) == stem(other) else by_letters


def edit_distance(one: Sequence[object], other: Sequence[object]) -> int:
    """Insertions, deletions and substitutions that turn `one` into `other`."""
    row = list(range(len(other) + 1))
    for index, left in enumerate(one, 1):
        diagonal, row[0] = row[0], index
        for column, right in enumerate(other, 1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (left != right))
    return row[-1]


class Operation(StrEnum):
    MATCH = "match"
    NEAR = "near"  # an inflection, or a word that looks much alike
    SUBSTITUTION = "substitution"
    DELETION = "deletion"
    INSERTION = "insertion"
    FILLER = "filler"
    RESTART = "restart"  # words said again, or a false start of the words that follow


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One word of the alignment. `expected` or `heard` is empty where there is none; indexes are -1 then."""

    operation: Operation
    expected: str
    heard: str
    expected_index: int
    heard_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    steps: tuple[Step, ...]

    def count(self, *operations: Operation) -> int:
        return sum(step.operation in operations for step in self.steps)

    @property
    def expected_count(self) -> int:
        return sum(step.expected_index >= 0 for step in self.steps)

    @property
    def matched(self) -> int:
        return self.count(Operation.MATCH)

    @property
    def covered(self) -> float:
        """Share of the expected words that were heard; a near word counts half."""
        count = self.expected_count
        return (self.matched + 0.5 * self.count(Operation.NEAR)) / count if count else 0.0

    @property
    def errors(self) -> float:
        """Word errors: near 0.5, restart 0.25 a word, fillers nothing."""
        whole = self.count(Operation.SUBSTITUTION, Operation.DELETION, Operation.INSERTION)
        return whole + 0.5 * self.count(Operation.NEAR) + 0.25 * self.count(Operation.RESTART)


_NEAR_AT = 0.75


def _join_compounds(words: Sequence[str], other: Sequence[str]) -> list[tuple[str, int]]:
    """(word, index of its first part): neighbours that the other side writes as one word are joined."""
    wanted = set(other) - set(words)
    joined: list[tuple[str, int]] = []
    index = 0
    while index < len(words):
        both = words[index] + words[index + 1] if index + 1 < len(words) else ""
        joined.append((both, index) if both in wanted else (words[index], index))
        index += 2 if both in wanted else 1
    return joined


def _cost(expected: str, heard: str) -> float:
    """0 for the same word; less than a deletion and an insertion together, and the less the closer."""
    near = closeness(expected, heard)
    return 0.0 if near == 1.0 else 1.6 - 0.8 * near


def _backtrack(table: list[list[float]], expected: list[str], heard: list[str]) -> list[tuple[int, int]]:
    row, column = len(expected), len(heard)
    pairs: list[tuple[int, int]] = []
    while row or column:
        here = table[row][column]
        if (
            row
            and column
            and abs(here - table[row - 1][column - 1] - _cost(expected[row - 1], heard[column - 1])) < 1e-9
        ):
            row, column = row - 1, column - 1
            pairs.append((row, column))
        elif column and abs(here - table[row][column - 1] - _insertion_cost(heard[column - 1])) < 1e-9:
            column -= 1
            pairs.append((-1, column))
        else:
            row -= 1
            pairs.append((row, -1))
    return pairs[::-1]


def _insertion_cost(heard: str) -> float:
    return 0.1 if heard in FILLERS else 1.0


def _pairs(expected: list[str], heard: list[str]) -> list[tuple[int, int]]:
    table = [[0.0] * (len(heard) + 1) for _ in range(len(expected) + 1)]
    for column, word in enumerate(heard, 1):
        table[0][column] = table[0][column - 1] + _insertion_cost(word)
    for row, left in enumerate(expected, 1):
        table[row][0] = row
        for column, right in enumerate(heard, 1):
            table[row][column] = min(
                table[row - 1][column - 1] + _cost(left, right),
                table[row - 1][column] + 1,
                table[row][column - 1] + _insertion_cost(right),
            )
    return _backtrack(table, expected, heard)


def _is_restart(position: int, heard: list[str], inserted: set[int]) -> bool:
    """Whether an inserted word begins or belongs to a stretch that is said again right after, or was said right
    before."""
    for length in (1, 2, 3, 4):
        for start in range(position - length + 1, position + 1):
            stretch = heard[max(start, 0) : start + length]
            if (
                start < 0
                or len(stretch) < length
                or not all(index in inserted for index in range(start, start + length))
            ):
                continue
            after, before = heard[start + length : start + 2 * length], heard[max(0, start - length) : start]
            if any(len(twin) == length and all(map(sounds_like, stretch, twin)) for twin in (after, before)):
                return True
    following = heard[position + 1] if position + 1 < len(heard) else ""
    return (
        2 <= len(heard[position]) < len(following)
        and following.startswith(heard[position])
        and position + 1 not in inserted
    )


def _operation(expected: str, heard: str) -> Operation:
    near = closeness(expected, heard)
    if near == 1.0:
        return Operation.MATCH
    return Operation.NEAR if near >= _NEAR_AT else Operation.SUBSTITUTION


def align(expected: str, heard: str) -> Alignment:
    """`align_words` of two texts."""
    return align_words(words_of(expected), words_of(heard))


def align_words(wanted_words: Sequence[str], heard_words: Sequence[str]) -> Alignment:
    """What was expected against what was heard, word by word, at the least cost. Both sides as `words_of` gives them.

    Indexes count the words given; where two were joined to a compound, the first of them.
    """
    wanted, said = _join_compounds(wanted_words, heard_words), _join_compounds(heard_words, wanted_words)
    left, right = [word for word, _ in wanted], [word for word, _ in said]
    pairs = _pairs(left, right)
    inserted = {column for row, column in pairs if row < 0}
    spoken_only = [word for word in right if word not in FILLERS]
    places = [index for index, word in enumerate(right) if word not in FILLERS]
    spoken_at = {place: number for number, place in enumerate(places)}
    inserted_spoken = {spoken_at[column] for column in inserted if column in spoken_at}
    steps = []
    for row, column in pairs:
        if row < 0 and right[column] in FILLERS:
            operation = Operation.FILLER
        elif row < 0:
            again = _is_restart(spoken_at[column], spoken_only, inserted_spoken)
            operation = Operation.RESTART if again else Operation.INSERTION
        elif column < 0:
            operation = Operation.DELETION
        else:
            operation = _operation(left[row], right[column])
        steps.append(
            Step(
                operation=operation,
                expected=left[row] if row >= 0 else "",
                heard=right[column] if column >= 0 else "",
                expected_index=wanted[row][1] if row >= 0 else -1,
                heard_index=said[column][1] if column >= 0 else -1,
            )
        )
    return Alignment(steps=tuple(steps))
