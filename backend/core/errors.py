"""The two families of errors. Anything else that is raised is a bug.

    Exception
    ├── AppError                what we refuse, and why; mapped once to problem+json and to pages
    │   ├── NotAuthenticated    401, nobody is signed in
    │   ├── Forbidden           403, signed in, and the role may never do this
    │   ├── NotFound            404, absent, or not yours
    │   ├── Conflict            409, the state of the thing refuses this now
    │   ├── RuleViolation       422, a rule of the house refuses the input
    │   ├── LeaseRequired       428, the caller did not say which page of a candidate it is
    │   └── TooManyRequests     429
    └── AdapterError            what a vendor did, raised by adapters only
        ├── TemporaryFailure    worth another try
        │   ├── OverQuota       the vendor takes no more for now: everything for it waits
        │   └── OutcomeUnknown  the vendor may have done it: only a repeat that it recognises is safe
        └── PermanentFailure    another try would end the same way

Texts never carry a voice, an answer, a name or an address; `code` is constant and safe to log.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class AppError(Exception):
    """A refusal that a person is told about: `code` for programs, `detail` says what to do next.

    `errors` maps a field name to its mistakes, where the refusal is about input. `facts` are further members of the
    problem reply, for programs that can go on by themselves.
    """

    status: ClassVar[int] = 400
    title: ClassVar[str] = "The request was refused"

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Mapping[str, Sequence[str]] | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.errors = dict(errors or {})
        self.facts = dict(facts or {})


class NotAuthenticated(AppError):
    status = 401
    title = "Please sign in"

    def __init__(self, code: str = "signed_out", detail: str = "Sign in to continue.") -> None:
        super().__init__(code, detail)


class Forbidden(AppError):
    status = 403
    title = "Not allowed"


class NotFound(AppError):
    status = 404
    title = "Not found"

    def __init__(self, code: str = "not_found", detail: str = "There is nothing at this address.") -> None:
        super().__init__(code, detail)


class Conflict(AppError):
    status = 409
    title = "Not possible now"


class RuleViolation(AppError):
    status = 422
    title = "Please check the input"


class LeaseRequired(AppError):
    status = 428
    title = "Say which page you are"


class TooManyRequests(AppError):
    status = 429
    title = "Too many requests"


class AdapterError(Exception):
    """A vendor failed. `reason` is a constant code, safe to log and to show."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TemporaryFailure(AdapterError):
    """Worth another try, after `retry_after_s` seconds where the vendor said so."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class OverQuota(TemporaryFailure):
    """The vendor takes no more for now, from anybody here: wait with everything, count no try against this one."""


class OutcomeUnknown(TemporaryFailure):
    """The vendor may have done it before the connection broke: repeat only what it recognises as the same."""


class PermanentFailure(AdapterError):
    """Another try would end the same way."""


class EngineFailure(TemporaryFailure):
    """A speech engine could not be asked: this says nothing about the answer, and another engine may do.

    `is_permanent`: the same engine would fail in the same way until somebody mends its settings or models.
    """

    def __init__(self, reason: str, *, is_permanent: bool = False) -> None:
        super().__init__(reason)
        self.is_permanent = is_permanent
