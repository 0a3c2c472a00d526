"""The JSON API's description, drawn from the schemas, for people: /api/docs (the document is /api/openapi.json)."""

from flask import Blueprint, render_template

from backend.web.gates import public

pages = Blueprint("api_docs", __name__)


@pages.get("/api/docs")
@public
def show_api_docs() -> str:
    """The OpenAPI document as a page to read and try."""
    return render_template("_layout/api_docs.html")


BLUEPRINTS = (pages,)
