"""Every route says who may call it; every page exists; every form carries its token."""

import ast
import inspect
import re

import pytest

from backend.app import create_app
from backend.web.gates import is_declared
from tests.support.services_memory import build_memory_services
from tests.support.source import TEMPLATES, calls, place, python_files, templates


@pytest.fixture(scope="module")
def app():
    return create_app(services=build_memory_services())


def test_every_route_declares_its_roles(app):
    found = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and not is_declared(app.view_functions[rule.endpoint])
    ]
    assert not found


def test_no_view_or_hook_is_a_coroutine(app):
    """`backend.web.application` would not await it."""
    hooks = [app.before_request_funcs, app.after_request_funcs, app.template_context_processors]
    called = [*app.view_functions.values(), *(each for kind in hooks for some in kind.values() for each in some)]
    assert not [each for each in called if inspect.iscoroutinefunction(inspect.unwrap(each))]


def test_views_that_change_something_never_answer_get(app):
    """A link, a prefetch or an image must not change anything; names say what a view does."""
    verbs = re.compile(r"(?:^|[._])(create|add|delete|remove|cancel|release|import|send|resend|disable|confirm|close)_")
    found = [
        f"{rule.rule} {rule.endpoint}"
        for rule in app.url_map.iter_rules()
        if verbs.search(rule.endpoint.split(".")[-1]) and "GET" in (rule.methods or set())
    ]
    assert not found


def _named_templates(call: ast.Call):
    for argument in call.args[:1]:
        names = argument.elts if isinstance(argument, ast.List | ast.Tuple) else [argument]
        constants = [name.value for name in names if isinstance(name, ast.Constant) and isinstance(name.value, str)]
        if constants:
            yield constants


def test_every_page_that_a_view_names_exists():
    found = []
    for path in python_files("backend"):
        for call in calls(path):
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            if name != "render_template":
                continue
            found += [
                f"{place(path, call)} {names}"
                for names in _named_templates(call)
                if not any((TEMPLATES / name).is_file() for name in names)
            ]
    assert not found


def test_every_template_compiles(app):
    """Syntax, imported macros, inherited layouts: a mistake shows here, not to a student."""
    for path in templates():
        app.jinja_env.get_template(str(path.relative_to(TEMPLATES)))


def test_templates_extend_and_import_what_exists():
    found = []
    for path in templates():
        named = re.findall(r"{%-?\s*(?:extends|import|from|include)\s+[\"']([^\"']+\.[a-z]+)[\"']", path.read_text())
        found += [f"{place(path)} -> {name}" for name in named if not (TEMPLATES / name).is_file()]
    assert not found


FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL | re.IGNORECASE)


def test_every_form_that_posts_carries_the_csrf_token():
    found = []
    for path in templates():
        for form in FORM.findall(path.read_text()):
            opening = form.split(">", 1)[0]
            if re.search(r"method=[\"']post[\"']", opening, re.IGNORECASE) and "csrf" not in form:
                found.append(f"{place(path)}: {opening}>")
    assert not found


def test_templates_hold_no_inline_handler_and_no_foreign_address():
    """The content security policy would refuse them in the browser; refuse them here first."""
    found = []
    for path in templates():
        if "emails" in path.parts:
            continue
        text = re.sub(r"{#.*?#}", "", path.read_text(), flags=re.DOTALL)
        if re.search(r"\son[a-z]+\s*=\s*[\"']", text):
            found.append(f"{place(path)}: inline handler")
        if re.search(r"(?:src|action)\s*=\s*[\"'](?:https?:)?//", text):
            found.append(f"{place(path)}: foreign address")
        if re.search(r"href\s*=\s*[\"']javascript:", text):
            found.append(f"{place(path)}: javascript: address")
        tags = re.findall(r"<(?:script|style)\b[^>]*>", text)
        found += [f"{place(path)}: {tag} has no nonce" for tag in tags if "nonce" not in tag and "/json" not in tag]
    assert not found


def test_nothing_is_marked_safe_without_a_reason():
    """`|safe` switches escaping off; a line that needs it says why in a comment on the same line."""
    found = []
    for path in templates():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"\|\s*safe\b", line) and "{#" not in line:
                found.append(f"{place(path)}:{number}")
    assert not found
