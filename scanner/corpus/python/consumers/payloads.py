"""Decodes payloads that come in from browsers and uploads."""
import base64
import hashlib
import hmac
import os
import pickle

import yaml
from flask import Blueprint, abort, jsonify, request

bp = Blueprint("payloads", __name__)
SIGNING_KEY = os.environ.get("CART_KEY", "").encode()
DEFAULT_VIEW = pickle.dumps({"columns": ["name", "price"], "page": 1})


def describe(value):
    return {"kind": type(value).__name__, "size": len(value)}


@bp.get("/cart")
def read_cart():
    raw = request.cookies.get("cart", "")
    cart = pickle.loads(base64.urlsafe_b64decode(raw))
    return jsonify(describe(cart))


@bp.get("/basket")
def read_basket():
    raw, _, seal = request.cookies.get("basket", "").partition(".")
    expected = hmac.new(SIGNING_KEY, raw.encode(), hashlib.sha256).hexdigest()
    if len(SIGNING_KEY) < 32 or not hmac.compare_digest(seal, expected):
        abort(403)
    cart = pickle.loads(base64.urlsafe_b64decode(raw))
    return jsonify(describe(cart))


@bp.get("/view")
def read_view():
    wanted = request.args.get("view", "")
    view = pickle.loads(DEFAULT_VIEW)
    view["title"] = wanted
    return jsonify(view)


@bp.post("/pipeline")
def read_pipeline():
    document = request.files["pipeline"].read()
    options = {"Loader": yaml.UnsafeLoader}
    return jsonify(describe(yaml.load(document, **options)))


@bp.post("/workflow")
def read_workflow():
    document = request.files["pipeline"].read()
    options = {"Loader": yaml.SafeLoader}
    return jsonify(describe(yaml.load(document, **options)))
