"""Audit trail of the sign-in and payment services."""
import logging
import sys

from flask import Blueprint, jsonify, request

bp = Blueprint("events", __name__)


logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")

log = logging.getLogger("audit")


def one_line(value, limit=200):
    """Printable characters only, so that a value stays on its line."""
    return "".join(c if c.isprintable() else "?" for c in str(value))[:limit]


def note(event, subject):
    log.warning(event + ": " + subject)


@bp.post("/sign-in-failed")
def sign_in_failed():
    name = request.form.get("name", "")
    log.warning("sign-in failed for user %s", name)
    return jsonify(recorded=True)


@bp.post("/sign-in-locked")
def sign_in_locked():
    name = one_line(request.form.get("name", ""))
    log.warning("sign-in locked for user %s", name)
    return jsonify(recorded=True)


@bp.post("/payment-refused")
def payment_refused():
    note("payment refused", request.get_json()["reason"])
    return jsonify(recorded=True)


@bp.post("/payment-settled")
def payment_settled():
    reason = request.get_json()["reason"]
    note("payment settled", "no reason kept")
    return jsonify(recorded=True, reason=reason)


@bp.post("/payment-amount")
def payment_amount():
    cents = int(request.get_json()["cents"])
    note("payment amount", str(cents))
    return jsonify(recorded=True)
