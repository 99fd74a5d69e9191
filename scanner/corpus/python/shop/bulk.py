"""Bulk operations of the storefront API."""
from flask import Blueprint, jsonify, request

from shop.db import select_where

bp = Blueprint("bulk", __name__, url_prefix="/api/bulk")
OPEN_STATES = ("paid", "packed")


def serialise(rows):
    return [{k: row[k] for k in row if not k.startswith("_")} for row in rows]


@bp.get("/open")
def open_orders():
    label = request.args.get("label", "open orders")
    condition = "state IN ('%s', '%s')" % OPEN_STATES
    rows = select_where("orders", condition)
    return jsonify({"label": label, "rows": serialise(rows)})


@bp.post("/status")
def bulk_status():
    payload = request.get_json(force=True)
    clauses = []
    for ref in payload.get("references", []):
        clauses.append("'" + ref + "'")
    if not clauses:
        return jsonify([])
    return jsonify(select_where("orders", "reference IN (" + ",".join(clauses) + ")"))


@bp.post("/check")
def bulk_check():
    payload = request.get_json(force=True)
    refs, marks = [], []
    for ref in payload.get("references", []):
        refs.append(str(ref))
        marks.append("?")
    if not marks:
        return jsonify([])
    return jsonify(select_where("orders", "reference IN (" + ",".join(marks) + ")", refs))
