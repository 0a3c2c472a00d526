"""How words sound: our own list for words that the letter-to-sound model gets wrong, the model for the rest.

A sound is a tuple of phone symbols that count as the same there: weak forms, and accents that examiners accept.
"""

from collections.abc import Callable

Sound = tuple[str, ...]

# Phones that no accent of English tells apart everywhere, or that the phone model writes in two ways.
SAME_SOUND: dict[str, Sound] = {}
for _group in (
    ("ə", "ʌ", "ɐ"),
    ("ɡ", "g"),
    ("ɹ", "r"),
    ("ɝ", "ɚ", "ɜ"),
    ("ɑ", "ɔ", "ɒ"),
    ("l", "ɫ"),
    ("t", "ɾ"),
    ("ɛ", "e"),
):
    for _symbol in _group:
        SAME_SOUND[_symbol] = _group

# Written here by ear, phones separated by spaces, alternatives by "/".
_BY_EAR_TEXT = """
a: ə/eɪ/ʌ/ɐ; an: ə/æ n; the: ð ə/i/ʌ/ɪ; to: t ə/u/ʊ; of: ə/ʌ/ɑ/ɔ v; and: ə/æ n d; or: ɔ/ə/ɑ ɹ; for: f ɔ/ə/ɚ ɹ/ɚ; from:
f ɹ ʌ/ə/ɑ m; was: w ə/ʌ/ɑ z; were: w ɝ/ɚ/ə; are: ɑ/ə/ɚ ɹ/ɚ; as: æ/ə z; at: æ/ə t; do: d u/ə/ʊ; does: d ʌ z; done: d ʌ
n; gone: ɡ ɔ n; one: w ʌ n; once: w ʌ n s; two: t u; four: f ɔ ɹ; eight: eɪ t; who: h u; whose: h u z; whom: h u m;
you: j u/ə; your: j ɔ/ʊ/ə ɹ/ɚ; he: h i; she: ʃ i; we: w i; me: m i; be: b i; they: ð eɪ; their: ð ɛ ɹ; there: ð ɛ ɹ;
been: b ɪ/i n; have: h æ/ə v; has: h æ/ə z; had: h æ/ə d; said: s ɛ d; says: s ɛ z; some: s ʌ m; come: k ʌ m; love: l
ʌ v; could: k ʊ d; would: w ʊ d; should: ʃ ʊ d; good: ɡ ʊ d; put: p ʊ t; full: f ʊ l; pull: p ʊ l; what: w ʌ/ɑ t;
where: w ɛ ɹ; when: w ɛ n; why: w aɪ; water: w ɔ t ɚ; bear: b ɛ ɹ; wear: w ɛ ɹ; pear: p ɛ ɹ; hear: h ɪ/i ɹ; heard: h ɝ
d; heart: h ɑ ɹ t; learn: l ɝ n; early: ɝ l i; earth: ɝ θ; great: ɡ ɹ eɪ t; break: b ɹ eɪ k; bread: b ɹ ɛ d; head: h ɛ
d; dead: d ɛ d; read: ɹ i/ɛ d; ready: ɹ ɛ d i; many: m ɛ n i; any: ɛ n i; people: p i p ə l; woman: w ʊ m ə n; women:
w ɪ m ɪ/ə n; friend: f ɹ ɛ n d; friends: f ɹ ɛ n d z; give: ɡ ɪ v; live: l ɪ/aɪ v; move: m u v; lose: l u z; shoe: ʃ
u; shoes: ʃ u z; blood: b l ʌ d; door: d ɔ ɹ; floor: f l ɔ ɹ; poor: p ʊ/ɔ ɹ; though: ð oʊ; through: θ ɹ u; thought: θ
ɔ t; bought: b ɔ t; brought: b ɹ ɔ t; enough: ɪ n ʌ f; rough: ɹ ʌ f; laugh: l æ/ɑ f; daughter: d ɔ t ɚ; caught: k ɔ t;
taught: t ɔ t; sure: ʃ ʊ/ɔ ɹ; sugar: ʃ ʊ ɡ ɚ; busy: b ɪ z i; business: b ɪ z n ə s; minute: m ɪ n ə t; build: b ɪ l d;
building: b ɪ l d ɪ ŋ; buy: b aɪ; eye: aɪ; eyes: aɪ z; island: aɪ l ə n d; hour: aʊ ɚ; our: aʊ/ɑ ɚ/ɹ; answer: æ/ɑ n s
ɚ; listen: l ɪ s ə n; often: ɔ f ə n; know: n oʊ; knew: n u; walk: w ɔ k; talk: t ɔ k; half: h æ/ɑ f; climb: k l aɪ m;
comb: k oʊ m; doubt: d aʊ t; receipt: ɹ ɪ s i t; colour: k ʌ l ɚ; color: k ʌ l ɚ; woke: w oʊ k; work: w ɝ k; world: w
ɝ l d; word: w ɝ d; worse: w ɝ s; country: k ʌ n t ɹ i; young: j ʌ ŋ; touch: t ʌ t͡ʃ; couldn't: k ʊ d ə n t; wouldn't:
w ʊ d ə n t; shouldn't: ʃ ʊ d ə n t; don't: d oʊ n t; won't: w oʊ n t; isn't: ɪ z ə n t; can't: k æ/ɑ n t; i'm: aɪ m;
i'll: aɪ l; i've: aɪ v; it's: ɪ t s; he's: h i z; that's: ð æ t s; let's: l ɛ t s; you're: j ʊ/ɔ ɹ; they're: ð ɛ ɹ;
we're: w ɪ ɹ; we'll: w i l; you'll: j u l; there's: ð ɛ ɹ z; what's: w ʌ/ɑ t s; i: aɪ; us: ʌ s; his: h ɪ z; is: ɪ z;
this: ð ɪ s; that: ð æ/ə t; these: ð i z; those: ð oʊ z; them: ð ɛ/ə m; then: ð ɛ n; than: ð æ/ə n; with: w ɪ ð/θ;
other: ʌ ð ɚ; mother: m ʌ ð ɚ; father: f ɑ ð ɚ; brother: b ɹ ʌ ð ɚ; another: ə n ʌ ð ɚ; either: i/aɪ ð ɚ; because: b ɪ
k ʌ/ɔ/ə z; before: b ɪ f ɔ ɹ; about: ə b aʊ t; again: ə ɡ ɛ/eɪ n; use: j u z/s; used: j u z/s d/t; close: k l oʊ z/s;
house: h aʊ s; school: s k u l; tomorrow: t ə m ɑ ɹ oʊ; today: t ə d eɪ; month: m ʌ n θ; money: m ʌ n i; monday: m ʌ n
d eɪ/i; sunday: s ʌ n d eɪ/i; son: s ʌ n; won: w ʌ n; front: f ɹ ʌ n t
"""
_BY_EAR = {
    word.strip(): sounds.strip()
    for word, _, sounds in (entry.partition(":") for entry in " ".join(_BY_EAR_TEXT.split()).split(";"))
}

_NOT_A_SOUND = set(" ‿̩͡⁵⁰⁴⁻²³¹ːˑ˥˦˧˨˩")


def _alternatives(symbol: str) -> Sound:
    return SAME_SOUND.get(symbol, (symbol,))


def sounds_by_ear(word: str) -> tuple[Sound, ...] | None:
    """The sounds of a word of our own list, or None."""
    entry = _BY_EAR.get(word)
    if entry is None:
        return None
    return tuple(
        tuple(dict.fromkeys(same for symbol in sound.split("/") for same in _alternatives(symbol)))
        for sound in entry.split()
    )


def sounds_of(word: str, guess: Callable[[str], list[str]]) -> tuple[Sound, ...]:
    """The sounds of any word; `guess` is the letter-to-sound model. Unstressed vowels may be reduced."""
    known = sounds_by_ear(word)
    if known is not None:
        return known
    return tuple(_alternatives(symbol) for symbol in guess(word) if symbol and symbol not in _NOT_A_SOUND)
