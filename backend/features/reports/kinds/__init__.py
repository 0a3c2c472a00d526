"""The kinds of report by name: each a pure function from a stored result to what its template shows."""

from collections.abc import Callable, Mapping

from backend.features.reports.kinds import score_report
from backend.features.reports.model import Subject
from backend.features.results.model import Result
from backend.scoring.descriptors import Descriptors
from backend.scoring.scales import Scale

Kind = Callable[[Result, Subject, Scale, Descriptors], Mapping[str, object]]

REPORTS: dict[str, Kind] = {"score_report": score_report.describe}
