"""Spreadsheet-like formulas and pricing rules."""
import argparse
import ast
import configparser
import json

from flask import Blueprint, jsonify, request

bp = Blueprint("formula", __name__)
FUNCTIONS = {"min": min, "max": max, "sum": sum, "len": len}
LEGACY_RULES = False


def parse_cells(raw):
    return {name.upper(): float(value) for name, value in raw.items()}


def compute(source, cells):
    return eval(compile(source, "<cell>", "eval"), {"__builtins__": {}}, dict(cells))


@bp.post("/formula")
def evaluate_formula():
    body = request.get_json()
    cells = parse_cells(body["cells"])
    return jsonify(value=compute(body["formula"].lstrip("="), cells))


@bp.post("/margin")
def evaluate_margin():
    body = request.get_json()
    cells = parse_cells(body["cells"])
    return jsonify(formula=body.get("formula"), value=compute("(PRICE - COST) / PRICE", cells))


@bp.post("/literal")
def evaluate_literal():
    body = request.get_json()
    return jsonify(value=ast.literal_eval(body["formula"]))


@bp.post("/aggregate/<name>")
def aggregate(name):
    values = [float(v) for v in request.get_json()["values"]]
    function = FUNCTIONS.get(name)
    if function is None:
        return jsonify(error="unknown function"), 400
    return jsonify(value=function(values))


@bp.post("/discount")
def discount():
    body = request.get_json()
    rule = body.get("rule", "0")
    if LEGACY_RULES:
        return jsonify(percent=eval(rule))
    return jsonify(percent=min(max(int(rule), 0), 90))


def price_from_file(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("rules")
    parser.add_argument("--units", type=int, default=1)
    options = parser.parse_args(argv)
    rules = configparser.ConfigParser()
    rules.read(options.rules)
    total = 0.0
    for name, expression in rules["price"].items():
        total += eval(expression, {"units": options.units})
    print(json.dumps({"total": total}))
