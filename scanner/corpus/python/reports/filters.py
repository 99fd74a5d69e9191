"""Filters and checks report rows."""
import re

from flask import Blueprint, abort, jsonify, request

bp = Blueprint("rows", __name__)
ROWS = [{"title": "Spring", "code": "A-1"}, {"title": "Autumn", "code": "B-2"}]
TITLE = re.compile(r"^([A-Za-z]+\s?)+$")
CODE = re.compile(r"^[A-Z]-[0-9]{1,4}$")


def pick(rows, expression):
    compiled = re.compile(expression)
    return [row for row in rows if compiled.search(row["title"])]


@bp.get("/rows")
def filter_rows():
    return jsonify(pick(ROWS, request.args.get("pattern", "")))


@bp.get("/rows/literal")
def filter_rows_literal():
    return jsonify(pick(ROWS, re.escape(request.args.get("pattern", ""))))


@bp.post("/title")
def check_title():
    if TITLE.match(request.get_json()["title"]) is None:
        abort(400)
    return jsonify(ok=True)


@bp.post("/code")
def check_code():
    if CODE.match(request.get_json()["code"]) is None:
        abort(400)
    return jsonify(ok=True)
