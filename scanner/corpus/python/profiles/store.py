"""Profile store (MongoDB)."""
import os

from bson import ObjectId
from flask import Blueprint, abort, jsonify, request
from pymongo import MongoClient

bp = Blueprint("store", __name__)
db = MongoClient(os.environ.get("MONGO_URL", "mongodb://localhost"))["portal"]


def public(profile):
    return {key: profile[key] for key in ("nick", "city") if key in profile}


class Profiles:
    """Named queries over the profiles collection."""

    def __init__(self, collection):
        self.collection = collection

    def matching(self, criteria):
        return [public(p) for p in self.collection.find(criteria).limit(20)]


@bp.post("/match")
def match_profiles():
    return jsonify(Profiles(db.profiles).matching(request.get_json()))


@bp.post("/match-city")
def match_city():
    body = request.get_json()
    return jsonify(Profiles(db.profiles).matching({"city": str(body.get("city", "")), "hidden": False}))


@bp.get("/older")
def older_than():
    age = request.args.get("age", "18")
    found = db.profiles.find({"$where": "this.age > " + age})
    return jsonify([public(p) for p in found])


@bp.get("/profile/<key>")
def one_profile(key):
    if not ObjectId.is_valid(key):
        abort(404)
    profile = db.profiles.find_one({"_id": ObjectId(key)})
    return jsonify(public(profile or {}))
