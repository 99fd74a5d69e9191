"""Sign-in, password reset and preferences."""
import os

from flask import Blueprint, abort, jsonify, request, session
from pymongo import MongoClient
from werkzeug.security import check_password_hash

bp = Blueprint("entry", __name__)
db = MongoClient(os.environ.get("MONGO_URL", "mongodb://localhost"))["portal"]
THEMES = ("light", "dark", "contrast")


@bp.post("/reset")
def confirm_reset():
    body = request.get_json()
    profile = db.profiles.find_one({"mail": body["mail"], "reset_code": body["code"]})
    if profile is None:
        abort(403)
    session["reset_for"] = str(profile["_id"])
    return jsonify(ok=True)


@bp.post("/enter")
def enter():
    body = request.get_json()
    profile = db.profiles.find_one({"mail": {"$eq": str(body["mail"])}})
    if profile is None or not check_password_hash(profile["password_hash"], str(body["password"])):
        abort(403)
    session["profile"] = str(profile["_id"])
    return jsonify(ok=True)


@bp.post("/preferences")
def store_preferences():
    for key, value in request.form.items():
        session[key] = value
    return jsonify(theme=session.get("theme"), staff=bool(session.get("is_staff")))


@bp.post("/theme")
def store_theme():
    theme = request.form.get("theme", "light")
    if theme not in THEMES:
        abort(400)
    session["theme"] = theme
    return jsonify(theme=session.get("theme"), staff=bool(session.get("is_staff")))
