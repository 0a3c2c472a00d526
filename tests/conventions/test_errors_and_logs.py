"""Errors are caught where they can be answered; logs are constant events with ids."""

import ast
import re

from tests.support.source import calls, place, python_files, tree

# The only places that may catch everything, each with its reason.
MAY_CATCH_ALL = {
    "backend/migrations/runner.py": "a failed migration is recorded with its error before the start is refused",
    "backend/worker.py": "the worker loop: a bug in one job must not stop the others",
    "backend/adapters/speech/vendors.py": "vendors' libraries raise what they like; type and place are logged",
    "backend/web/live.py": "the socket edge: a bug in one event is logged and answered, the connection stays",
}
LOG_LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
EVENT = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")
NEVER_LOGGED = {
    "name", "display_name", "student_name", "email", "address", "to_address", "login", "password", "code", "token",
    "text", "transcript", "answer", "words", "audio", "answer_key", "mail", "student", "account", "actor", "url",
}  # fmt: skip


def _catches_all(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException") for kind in kinds)


def _reraises(handler: ast.ExceptHandler) -> bool:
    """Cleaning up and raising again hides nothing."""
    return any(isinstance(node, ast.Raise) and node.exc is None for node in handler.body)


def test_except_exception_stands_only_where_the_house_allows_it():
    found = [
        place(path, node)
        for path in python_files("backend", "config")
        if place(path) not in MAY_CATCH_ALL
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and _catches_all(node) and not _reraises(node)
    ]
    assert not found


def test_nothing_is_printed_by_the_product():
    found = [
        place(path, call)
        for path in python_files("backend", "config")
        for call in calls(path)
        if isinstance(call.func, ast.Name) and call.func.id == "print"
    ]
    assert not found


def _log_calls(path):
    for call in calls(path):
        function = call.func
        if isinstance(function, ast.Attribute) and function.attr in LOG_LEVELS:
            base = function.value
            if isinstance(base, ast.Name) and base.id in ("log", "logger", "_log", "bound"):
                yield call


def test_log_events_are_constants():
    found = []
    for path in python_files("backend"):
        for call in _log_calls(path):
            event = call.args[0] if call.args else None
            is_constant = isinstance(event, ast.Constant) and isinstance(event.value, str)
            if not is_constant or not EVENT.match(event.value) or len(call.args) > 1:
                found.append(place(path, call))
    assert not found, "a log line is one constant event, snake_case, and keyword ids"


def test_log_fields_are_ids_and_figures_never_people():
    found = [
        f"{place(path, call)} {keyword.arg}"
        for path in python_files("backend")
        for call in _log_calls(path)
        for keyword in call.keywords
        if keyword.arg in NEVER_LOGGED
    ]
    assert not found


def test_modules_log_through_structlog():
    found = []
    for path in python_files("backend"):
        for node in ast.walk(tree(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if "logging" in names and "getLogger" in path.read_text() and "structlog" not in path.read_text():
                found.append(place(path, node))
    assert not found


def _is_feed(node: ast.AST) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name in ("feed", "_feed")


def test_live_events_carry_ids_never_names():
    """Names are in the snapshot, which passes the gate; events go to a room, so they carry ids only."""
    found = []
    for path in python_files("backend"):
        for call in calls(path):
            if not (isinstance(call.func, ast.Attribute) and call.func.attr == "publish" and _is_feed(call.func.value)):
                continue
            for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
                for node in ast.walk(argument):
                    if isinstance(node, ast.Dict):
                        keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
                        if keys & {"name", "student_name", "display_name", "email", "roll_number", "address"}:
                            found.append(place(path, call))
    assert not found
