"""The Blueprint of JSON routes: flask-smorest's, whose parser keeps each schema that it has built."""

from functools import cache
from typing import Any

from flask import Request
from flask_smorest import Blueprint
from marshmallow import Schema
from webargs.flaskparser import FlaskParser


@cache
def _built(schema: type[Schema]) -> Schema:
    return schema()


class KeepingParser(FlaskParser):
    """Building a schema copies every field: once a process, not once a request."""

    def _get_schema(self, argmap: Any, req: Request) -> Schema:
        if isinstance(argmap, type) and issubclass(argmap, Schema):
            return _built(argmap)
        return super()._get_schema(argmap, req)


class ApiBlueprint(Blueprint):
    ARGUMENTS_PARSER = KeepingParser()
