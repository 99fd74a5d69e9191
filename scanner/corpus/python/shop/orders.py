"""Order endpoints of the storefront API."""
from flask import Blueprint, abort, jsonify, request

from shop.db import OrderGateway, connection, select

bp = Blueprint("orders", __name__, url_prefix="/api/orders")
SORTABLE = {"created": "created_at", "total": "total_cents", "ref": "reference"}


def serialise(rows):
    return [{k: row[k] for k in row if not k.startswith("_")} for row in rows]


@bp.get("/search")
def search_orders():
    term = request.args.get("q", "")
    with connection() as conn:
        rows = conn.execute(
            f"SELECT id, reference, total_cents FROM orders WHERE reference LIKE '%{term}%' LIMIT 50"
        ).fetchall()
    return jsonify(serialise(dict(r) for r in rows))


@bp.get("/lookup")
def lookup_orders():
    term = request.args.get("q", "")
    with connection() as conn:
        rows = conn.execute(
            f"SELECT id, reference, total_cents FROM orders WHERE reference LIKE ? LIMIT {50}",
            (f"%{term}%",),
        ).fetchall()
    return jsonify(serialise(dict(r) for r in rows))


@bp.get("/sorted")
def sorted_orders():
    wanted = request.args.get("sort", "created")
    column = SORTABLE.get(wanted)
    if column is None:
        abort(400, "unknown sort key")
    return jsonify(select("SELECT * FROM orders ORDER BY " + column + " DESC LIMIT 100"))


@bp.get("/ref/<reference>")
def order_by_reference(reference):
    gateway = OrderGateway(request.headers.get("X-Shop-Id", "1"))
    rows = gateway.by_reference(reference)
    if not rows:
        abort(404)
    return jsonify(serialise(rows))


@bp.get("/mine")
def orders_of_customer():
    gateway = OrderGateway(request.headers.get("X-Shop-Id", "1"))
    rows = gateway.by_customer(request.args.get("email", ""))
    return jsonify(serialise(rows))
