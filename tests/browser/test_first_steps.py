"""The first minute of an installation: the one-time link, and a superadmin who is signed in."""

from playwright.sync_api import Page, expect


def test_a_page_answers(live, new_page):
    page: Page = new_page()
    page.goto("/sign-in")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
