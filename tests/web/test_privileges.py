"""The privilege matrix: every route x every principal, each cell declared here. A route without its line fails.

The things in the paths are Meera's campus's (North): Asha's batch, delivery, attempt and result. "Let in" means that
the view ran and answered about the thing, be it a mistake in the input. Everybody else is told that there is nothing,
and who is not signed in is asked to sign in. Not yours looks like not there.
"""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from backend.app import create_app
from tests.support.matrix import BODIES, IDS, PRINCIPALS, build_full_services
from tests.support.people import World, signed_in_browser

ANYBODY = frozenset(PRINCIPALS)
SIGNED_IN = ANYBODY - {"anonymous"}
STUDENTS = frozenset({"asha", "ravi", "salma"})
ASHA = frozenset({"asha"})
ASHAS_BATCH = frozenset({"asha", "ravi"})
ADMINS = frozenset({"meera", "omar", "sushma"})
NORTH = frozenset({"meera", "sushma"})
CAMPUS_ADMINS = frozenset({"meera", "omar"})
MEERA = frozenset({"meera"})
SUSHMA = frozenset({"sushma"})
# Invigilators: Ines of North is assigned to the delivery, Igor of North and Sana of South are not.
INES = frozenset({"ines"})
WATCHERS = NORTH | INES

LET_IN: dict[str, frozenset[str]] = {
    # signing in, and who one is
    "GET /": ANYBODY,  # leads to signing in, or to one's own home
    "GET /sign-in": ANYBODY,
    "POST /sign-in": ANYBODY,
    "POST /sign-out": ANYBODY,
    "GET /setup/<code>": ANYBODY,  # who has no good code is told so, whoever it is
    "POST /setup/<code>": ANYBODY,
    "GET /invitation/<code>": ANYBODY,
    "POST /invitation/<code>": ANYBODY,
    "GET /reset/<code>": ANYBODY,
    "POST /reset/<code>": ANYBODY,
    "GET /forgotten": ANYBODY,
    "POST /forgotten": ANYBODY,
    "GET /choose-password": frozenset(),  # after a login card only: SIGN_IN_FIRST
    "POST /choose-password": frozenset(),
    "GET /account": SIGNED_IN,
    "POST /account/password": SIGNED_IN,
    "GET /api/session": SIGNED_IN,
    "POST /api/session": ANYBODY,
    "DELETE /api/session": ANYBODY,
    # for machines, readers, and holders of a report
    "GET /healthz": ANYBODY,
    "GET /readyz": ANYBODY,
    "GET /api/docs": ANYBODY,
    "GET /api/openapi.json": ANYBODY,
    "GET /verify": ANYBODY,
    "POST /verify": ANYBODY,
    # campuses and their admins: superadmins
    "GET /campuses": SUSHMA,
    "GET /campuses/new": SUSHMA,
    "POST /campuses/new": SUSHMA,
    "GET /campuses/<campus_id>": SUSHMA,
    "POST /campuses/<campus_id>": SUSHMA,
    "POST /campuses/<campus_id>/close": SUSHMA,
    "POST /campuses/<campus_id>/reopen": SUSHMA,
    "POST /campuses/<campus_id>/admins": SUSHMA,
    "POST /campuses/<campus_id>/admins/<account_id>/disable": SUSHMA,
    "POST /campuses/<campus_id>/admins/<account_id>/enable": SUSHMA,
    "POST /campuses/<campus_id>/admins/<account_id>/invite": SUSHMA,
    "GET /api/campuses": SUSHMA,
    "POST /api/campuses": SUSHMA,
    "GET /api/campuses/<campus_id>": NORTH,
    "GET /audit": ADMINS,
    # courses, batches, students: the campus's own admins
    "GET /courses": CAMPUS_ADMINS,
    "POST /courses": CAMPUS_ADMINS,
    "GET /courses/<course_id>": MEERA,
    "POST /courses/<course_id>": MEERA,
    "GET /api/courses": CAMPUS_ADMINS,
    "POST /api/courses": CAMPUS_ADMINS,
    "GET /api/courses/<course_id>": MEERA,
    "GET /batches": CAMPUS_ADMINS,
    "POST /batches": CAMPUS_ADMINS,
    "GET /batches/<batch_id>": MEERA,
    "POST /batches/<batch_id>": MEERA,
    "POST /batches/<batch_id>/activate": MEERA,
    "POST /batches/<batch_id>/archive": MEERA,
    "POST /batches/<batch_id>/invite": MEERA,
    "GET /batches/<batch_id>/login-cards": MEERA,
    "POST /batches/<batch_id>/login-cards.pdf": MEERA,
    "GET /batches/<batch_id>/students/import": MEERA,
    "POST /batches/<batch_id>/students/import": MEERA,
    "POST /batches/<batch_id>/students/import/confirm": MEERA,
    "GET /batches/<batch_id>/students/new": MEERA,
    "POST /batches/<batch_id>/students/new": MEERA,
    "GET /roster-template.xlsx": CAMPUS_ADMINS,
    "GET /api/batches": CAMPUS_ADMINS,
    "POST /api/batches": CAMPUS_ADMINS,
    "GET /api/batches/<batch_id>": MEERA,
    "GET /api/batches/<batch_id>/students": MEERA,
    "POST /api/batches/<batch_id>/students": MEERA,
    "GET /students": CAMPUS_ADMINS,
    "GET /students/<student_id>": MEERA,
    "POST /students/<student_id>": MEERA,
    "POST /students/<student_id>/disable": MEERA,
    "POST /students/<student_id>/enable": MEERA,
    "POST /students/<student_id>/invite": MEERA,
    "POST /students/<student_id>/login-card.pdf": MEERA,
    "GET /api/students/<student_id>": MEERA,
    # the item bank is everybody's who runs tests, and nobody's who sits them
    "GET /items": ADMINS,
    "GET /items/<item_id>": ADMINS,
    "GET /items/<item_id>/sound/<int:number>": ADMINS,
    "POST /items/<item_id>/status": SUSHMA,
    "GET /items/forms/<form_id>": ADMINS,
    "GET /items/forms/<form_id>/paper": ADMINS,
    # tests
    "GET /api/tests": CAMPUS_ADMINS,
    "POST /api/tests": CAMPUS_ADMINS,
    "GET /api/tests/<delivery_id>": NORTH,
    "GET /api/tests/<delivery_id>/results": NORTH,
    "GET /tests": CAMPUS_ADMINS,
    "GET /tests/new": CAMPUS_ADMINS,
    "POST /tests/new": CAMPUS_ADMINS,
    "GET /tests/<delivery_id>": NORTH,
    "POST /tests/<delivery_id>/cancel": NORTH,
    "GET /tests/<delivery_id>/edit": NORTH,
    "POST /tests/<delivery_id>/edit": NORTH,
    "GET /tests/<delivery_id>/monitor": WATCHERS,
    "GET /tests/<delivery_id>/record": WATCHERS,
    "POST /tests/<delivery_id>/record": WATCHERS,
    "GET /tests/<delivery_id>/incidents.csv": NORTH,
    "POST /tests/<delivery_id>/signals/<attempt_id>/review": NORTH,
    "GET /tests/<delivery_id>/conditions": NORTH,
    "POST /tests/<delivery_id>/conditions": NORTH,
    "POST /tests/<delivery_id>/invigilators": NORTH,
    "POST /tests/<delivery_id>/invigilators/<account_id>/release": NORTH,
    "GET /invigilators": CAMPUS_ADMINS,
    "POST /invigilators": CAMPUS_ADMINS,
    "POST /invigilators/<account_id>/invite": MEERA,
    "POST /invigilators/<account_id>/disable": MEERA,
    "POST /invigilators/<account_id>/enable": MEERA,
    "POST /api/deliveries/<delivery_id>/messages": WATCHERS,
    "POST /api/deliveries/<delivery_id>/incidents": WATCHERS,
    "POST /api/deliveries/<delivery_id>/identity": WATCHERS,
    "GET /api/deliveries/<delivery_id>/candidates/<student_id>/timeline": WATCHERS,
    "GET /scoring": CAMPUS_ADMINS | {"sushma"},
    "GET /tests/<delivery_id>/response-file": NORTH,
    "POST /tests/<delivery_id>/response-file": NORTH,
    "GET /tests/<delivery_id>/unscored": NORTH,
    "GET /tests/<delivery_id>/unscored/<response_id>/recordings/<int:number>": NORTH,
    "POST /tests/<delivery_id>/unscored/<response_id>/score-again": NORTH,
    "GET /tests/<delivery_id>/unscored/late/<response_id>/recordings/<int:number>": NORTH,
    "POST /tests/<delivery_id>/unscored/late/<response_id>/accept": NORTH,
    "POST /tests/<delivery_id>/unscored/late/<response_id>/leave": NORTH,
    "POST /tests/<delivery_id>/unscored/<response_id>/settle-without": NORTH,
    "POST /tests/<delivery_id>/unscored/settle-without": NORTH,
    "POST /tests/<delivery_id>/unscored/attempts/<attempt_id>/stop-waiting": NORTH,
    "POST /tests/<delivery_id>/unscored/score-again": NORTH,
    "POST /tests/<delivery_id>/unscored/engine": NORTH,
    # the exam: only whose attempt it is; admins have pages of their own
    "GET /sit/<delivery_id>": ASHAS_BATCH,
    "GET /sit/worker.js": ANYBODY,
    "POST /api/deliveries/<delivery_id>/attempts": ASHAS_BATCH,
    "GET /api/attempts/<attempt_id>": ASHA,
    "POST /api/attempts/<attempt_id>/check": ASHA,
    "POST /api/attempts/<attempt_id>/begin": ASHA,
    "POST /api/attempts/<attempt_id>/moves": ASHA,
    "GET /students/<student_id>/accommodations": MEERA,
    "POST /students/<student_id>/accommodations": MEERA,
    "POST /students/<student_id>/accommodations/<accommodation_id>/end": MEERA,
    "POST /api/attempts/<attempt_id>/break": ASHA,
    "POST /api/attempts/<attempt_id>/break/end": ASHA,
    "POST /api/attempts/<attempt_id>/hearings": ASHA,
    "POST /api/deliveries/<delivery_id>/controls": WATCHERS,
    "PUT /api/attempts/<attempt_id>/answers/<int:position>": ASHA,
    "PUT /api/attempts/<attempt_id>/recordings/<recording_id>": ASHA,
    "GET /api/attempts/<attempt_id>/recordings/<recording_id>": ASHA,
    "GET /api/attempts/<attempt_id>/packages/<letter>": ASHA,
    "POST /api/attempts/<attempt_id>/heartbeat": ASHA,
    "POST /api/attempts/<attempt_id>/signals": ASHA,
    "POST /api/attempts/<attempt_id>/messages/<message_id>/seen": ASHA,
    "POST /attempts/<attempt_id>/signals/appeal": ASHA,
    # people's ratings
    "GET /tests/<delivery_id>/ratings": NORTH,
    "POST /tests/<delivery_id>/ratings/plan": NORTH,
    "GET /tests/<delivery_id>/ratings/agreement": NORTH,
    "GET /tests/<delivery_id>/ratings/<response_id>": NORTH,
    "POST /tests/<delivery_id>/ratings/<response_id>": NORTH,
    "GET /tests/<delivery_id>/ratings/<response_id>/recordings/<int:number>": NORTH,
    # results: the student's own once released, and the campus's
    "GET /results": STUDENTS,
    "GET /results/<result_id>": NORTH | ASHA,
    "GET /results/<result_id>/report.pdf": NORTH | ASHA,
    "GET /results/<result_id>/answers/<int:position>": NORTH,
    "GET /results/<result_id>/answers/<int:position>/recordings/<int:number>": NORTH,
    "GET /results/<result_id>/how": NORTH,
    "POST /tests/<delivery_id>/results/answers-shown": NORTH,
    "POST /results/<result_id>/answers/<int:position>/score-again": NORTH,
    "GET /tests/<delivery_id>/results": NORTH,
    "GET /tests/<delivery_id>/results.csv": NORTH,
    "GET /tests/<delivery_id>/results.xlsx": NORTH,
    "POST /tests/<delivery_id>/results/release": NORTH,
    "POST /tests/<delivery_id>/results/withdraw": NORTH,
    # mail
    "GET /tests/<delivery_id>/mailings/new": NORTH,
    "POST /tests/<delivery_id>/mailings": NORTH,
    "GET /mailings/<mailing_id>": NORTH,
    "POST /mailings/<mailing_id>/send-again": NORTH,
    "POST /mailings/<mailing_id>/dispatches/<dispatch_id>/decide": NORTH,
    "GET /outbox": SUSHMA,
    "GET /outbox/<mail_id>": SUSHMA,
    "GET /outbox/<mail_id>/page.html": SUSHMA,
    "GET /outbox/<mail_id>/attachments/<int:number>": SUSHMA,
}

# Signing in is what these ask of everybody here: only a fresh login card's holder is let in.
SIGN_IN_FIRST = {"GET /choose-password", "POST /choose-password"}
_NOT_ROUTES_OF_OURS = {"static"}


@pytest.fixture(scope="module")
def app() -> Flask:
    return create_app(services=build_full_services())


def _routes() -> Iterator[tuple[str, str]]:
    app = create_app(services=build_full_services())
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in _NOT_ROUTES_OF_OURS:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule.rule


ROUTES = sorted(_routes())


def test_every_route_has_its_line_and_every_line_its_route() -> None:
    names = {f"{method} {rule}" for method, rule in ROUTES}
    assert names - set(LET_IN) == set(), "declare who is let in"
    assert set(LET_IN) - names == set(), "these routes are gone"


@pytest.mark.parametrize(("method", "rule"), ROUTES, ids=lambda part: part)
def test_each_principal_gets_what_the_matrix_declares(app: Flask, method: str, rule: str) -> None:
    allowed = LET_IN.get(f"{method} {rule}")
    assert allowed is not None, "no line in the matrix"
    wrong = {}
    for name in PRINCIPALS:
        reply = _ask(app, name, method, rule)
        refusal = "sign in" if name == "anonymous" or f"{method} {rule}" in SIGN_IN_FIRST else "not there"
        expected = "let in" if name in allowed else refusal
        if _outcome(reply) != expected:
            wrong[name] = f"{_outcome(reply)} ({reply.status_code}), expected {expected}"
    assert not wrong


def _ask(app: Flask, name: str, method: str, rule: str) -> TestResponse:
    """On services of their own: what one principal changes, the next one does not meet."""
    app.extensions["viva"] = services = build_full_services()
    world = World(services=services, app=app)
    browser: FlaskClient = app.test_client() if name == "anonymous" else signed_in_browser(app, world.actor(name))
    path = _path(app, rule)
    return _send(browser, path, method, rule)


def _send(browser: FlaskClient, path: str, method: str, rule: str) -> TestResponse:
    body = BODIES.get(f"{method} {rule}", {}) if method != "GET" else None
    if path.startswith("/api/"):
        return browser.open(path, method=method, json=body)
    return browser.open(path, method=method, data=body)


def _path(app: Flask, rule: str) -> str:
    found: Rule = next(entry for entry in app.url_map.iter_rules() if entry.rule == rule)
    missing = found.arguments - set(IDS)
    assert not missing, f"tests/support/matrix.py has no {missing}"
    ids = IDS | ({"account_id": "igor"} if rule.startswith("/invigilators/") else {})
    built = app.url_map.bind("localhost").build(found.endpoint, {name: ids[name] for name in found.arguments})
    return str(built)


def _outcome(reply: TestResponse) -> str:
    if reply.status_code == 401 or (reply.status_code == 302 and reply.location.startswith("/sign-in?next=")):
        return "sign in"
    if reply.status_code == 404:
        return "not there"
    if reply.status_code == 403 or reply.status_code >= 500:
        return "wrong answer"
    return "let in"


@pytest.mark.parametrize(("method", "rule"), [route for route in ROUTES if "<" in route[1]], ids=lambda part: part)
def test_what_is_not_there_looks_like_what_is_not_yours(app: Flask, method: str, rule: str) -> None:
    """Omar, of the other campus, gets the same page for a real id of North as for an invented one."""
    if "omar" in LET_IN.get(f"{method} {rule}", frozenset()):
        pytest.skip("his too")
    real = _ask(app, "omar", method, rule)
    invented = {name: (value if isinstance(value, int) else "nosuchthing") for name, value in IDS.items()}
    found: Rule = next(entry for entry in app.url_map.iter_rules() if entry.rule == rule)
    path = app.url_map.bind("localhost").build(found.endpoint, {name: invented[name] for name in found.arguments})
    app.extensions["viva"] = services = build_full_services()
    browser = signed_in_browser(app, World(services=services, app=app).actor("omar"))
    absent = _send(browser, str(path), method, rule)
    assert (real.status_code, real.content_type) == (absent.status_code, absent.content_type)
