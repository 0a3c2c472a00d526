"""What a password must be, after NIST SP 800-63B and OWASP ASVS 5.0 (6.2.1, 6.2.4, 6.2.5, 6.2.9, 6.2.11).

Length counts, composition does not: 8 characters for a student, 12 for those who see other people's results, up to 256,
any character. Refused is what an attacker tries first: well-known passwords, also with digits or signs behind them or
letters swapped for digits; runs and repeats; numbers only; the person's own name, login or college.
"""

import re
from collections.abc import Iterable

from backend.core.actor import Role
from backend.features.accounts.model import Account, invalid, normal_password

SHORTEST = {Role.STUDENT: 8, Role.INVIGILATOR: 12, Role.CAMPUS: 12, Role.SUPERADMIN: 12}
LONGEST = 256

_RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv")
_SWAPPED = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", "$": "s", "!": "i"}
)
# The stems of what people choose first, here and elsewhere; `_stem` brings variants back to these.
_COMMON = frozenset(
    """
    password passwort passw pass passcode passphrase parola secret letmein letmeinnow welcome welcomeback login logmein
    admin administrator root superadmin superuser user guest test testing tester demo sample example default changeme
    changeit temp temporary qwerty azerty asdf zxcvbn iloveyou loveyou mylove sunshine princess dragon monkey football
    cricket baseball basketball superman batman spiderman ironman pokemon naruto starwars hello helloworld whatever
    trustno freedom master shadow michael jordan charlie summer winter spring autumn monday friday sunday january
    february march april june july august september october november december computer internet google facebook
    instagram whatsapp youtube android samsung apple microsoft windows linux india bharat hindustan indian mumbai delhi
    newdelhi chennai bangalore bengaluru kolkata hyderabad pune jaipur lucknow krishna radhakrishna radhe ganesh ganesha
    saibaba omsairam sairam jaishreeram shreeram hanuman mahadev waheguru allah jesus jesuschrist mother father mummy
    papa family friends bestfriend forever student students teacher college university school campus institute
    engineering english spoken spokenenglish exam exams viva vivavoce result results marks firstyear secondyear
    finalyear rollnumber studentlogin abcd abcde abcdef qazwsx qweasd qweasdzxc asdfgh asdfghjkl zxcvbnm lovely angel
    flower butterfly chocolate cookie banana orange purple yellow silver golden diamond killer hacker ninja thala
    dhoni sachin tendulkar virat kohli viratkohli msdhoni rohit rohitsharma thalapathy rajini rajinikanth
    """.split()  # noqa: SIM905 - two hundred words read better as a paragraph
)


def check_password(password: str, *, account: Account | None, role: Role, also_forbidden: Iterable[str] = ()) -> str:
    """The password in the form that is hashed (NFC). RuleViolation on the field `password`, with what to do."""
    normal = normal_password(password)
    shortest = SHORTEST[role]
    if len(normal) < shortest:
        raise invalid(
            "password", f"Use at least {shortest} characters. Three or four unrelated words are easy to remember."
        )
    if len(normal) > LONGEST:
        raise invalid("password", f"Use at most {LONGEST} characters.")
    folded = normal.casefold()
    if folded.isdigit():
        raise invalid("password", "Numbers alone, such as a date or a phone number, are guessed first. Add words.")
    if _is_run_or_repeat(folded):
        raise invalid("password", "This is a run or a repeat of the same characters. Use a few unrelated words.")
    if _stem(folded) in _COMMON:
        raise invalid("password", "This is one of the passwords that are guessed first. Use a few unrelated words.")
    if _is_own_word(folded, _own_words(account, also_forbidden)):
        raise invalid("password", "Your own name, login or college is guessed first. Use a few unrelated words.")
    return normal


def _stem(folded: str) -> str:
    """Without digits and signs at the ends, with swapped letters put back: "P@ssw0rd2026!" -> "password"."""
    inner = re.sub(r"[\W\d_]+$", "", folded)
    if inner[:1] not in ("@", "$"):
        inner = re.sub(r"^[\W\d_]+", "", inner)
    return re.sub(r"[^a-z]", "", inner.translate(_SWAPPED))


def _is_run_or_repeat(folded: str) -> bool:
    if len(set(folded)) <= 2:
        return True
    if any(folded in run or folded[::-1] in run for run in _RUNS):
        return True
    half = re.fullmatch(r"(.{1,4}?)\1{2,}.{0,3}", folded)
    return half is not None


def _own_words(account: Account | None, also_forbidden: Iterable[str]) -> set[str]:
    texts = list(also_forbidden)
    if account is not None:
        texts += [account.login, account.display_name, account.email or ""]
    words = {re.sub(r"[\W_]+", "", text.casefold()) for text in texts}
    words |= {part for text in texts for part in re.split(r"[\W_]+", text.casefold())}
    return {word for word in words if len(word) >= 4}


def _is_own_word(folded: str, words: set[str]) -> bool:
    """Whether little is left when the person's own words and all digits and signs are taken away."""
    rest = folded
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != folded and len(re.sub(r"[\W\d_]+", "", rest)) < 4
