"""What every reply tells the browser to refuse, and which host names are answered."""

import pytest

from backend.web.security import content_security_policy
from tests.support.people import World, build_world


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


@pytest.fixture(scope="module")
def public() -> World:
    """As it runs behind https://viva.example.edu."""
    settings = build_world().services.settings.with_values(viva_public_url="https://viva.example.edu")
    return build_world(settings=settings)


@pytest.mark.parametrize("path", ["/sign-in", "/account", "/nowhere", "/api/session", "/static/brand/icon.svg"])
def test_every_reply_is_protected(world: World, path: str) -> None:
    with world.anonymous().get(path) as reply:
        headers = reply.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "microphone=(self)" in headers["Permissions-Policy"]
    assert "camera=()" in headers["Permissions-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in headers


def test_nothing_inline_runs_without_this_replys_nonce(world: World) -> None:
    first, second = (world.anonymous().get("/sign-in") for _ in range(2))
    policy = first.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    nonce = policy.split("'nonce-")[1].split("'")[0]
    tags = first.text.count("<script") + first.text.count('<link rel="stylesheet"')
    assert first.text.count(f'nonce="{nonce}"') == tags
    assert nonce not in second.headers["Content-Security-Policy"]


def test_recordings_and_prompts_may_go_to_the_object_store_only(world: World) -> None:
    settings = world.services.settings.with_values(
        s3_endpoint="http://10.0.0.5:9000", s3_public_endpoint="https://files.example.edu/x",
        s3_access_key="a", s3_secret_key="b", viva_public_url="https://viva.example.edu",
    )  # fmt: skip
    policy = content_security_policy(settings, host="viva.example.edu", nonce="n")
    assert "connect-src 'self' wss://viva.example.edu https://files.example.edu;" in policy
    assert "media-src 'self' blob: https://files.example.edu;" in policy


def test_pages_are_never_stored_and_built_files_for_ever(world: World) -> None:
    assert world.browser("meera").get("/").headers["Cache-Control"] == "no-store"
    assert world.anonymous().get("/sign-in").headers["Cache-Control"] == "no-store"
    with world.anonymous().get("/static/brand/icon.svg") as reply:
        assert reply.headers["Cache-Control"] == "no-cache"


def test_other_host_names_are_refused_where_the_public_one_is_known(public: World) -> None:
    browser = public.anonymous()
    assert browser.get("/sign-in", base_url="https://viva.example.edu").status_code == 200
    for host in ("https://evil.example", "https://viva.example.edu.evil.example", "http://127.0.0.1:8000"):
        assert browser.get("/sign-in", base_url=host).status_code == 400


def test_health_is_told_on_any_name(public: World) -> None:
    assert public.anonymous().get("/healthz", base_url="http://127.0.0.1:8000").status_code == 200


def test_tls_is_demanded_where_it_is_spoken(public: World) -> None:
    reply = public.anonymous().get("/sign-in", base_url="https://viva.example.edu")
    assert reply.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_forms_of_another_origin_are_refused_under_the_public_name(public: World) -> None:
    data = {"login": "asha@example.edu", "secret": "violet kettle harbour"}
    url = {"base_url": "https://viva.example.edu"}
    browser = public.anonymous()
    assert browser.post("/sign-in", data=data, headers={"Origin": "https://evil.example"}, **url).status_code == 403
    assert browser.post("/sign-in", data=data, headers={"Origin": "https://viva.example.edu"}, **url).status_code == 302


def test_addresses_behind_a_trusted_proxy_are_the_clients_and_others_are_not_believed() -> None:
    from flask import request

    from backend.web.limits import client_address

    plain = build_world()
    trusting = build_world(settings=plain.services.settings.with_values(viva_trusted_proxies=1))
    seen = []
    for world in (plain, trusting):
        world.app.before_request_funcs[None].append(lambda: seen.append((request.remote_addr, client_address())))
        world.anonymous().get("/sign-in", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7"})
    assert seen == [("127.0.0.1", "127.0.0.1"), ("203.0.113.7", "203.0.113.7")]
