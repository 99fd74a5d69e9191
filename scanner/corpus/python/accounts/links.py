"""Reset and invitation links, web hooks and cached reports."""
import hashlib
import os
import random
import secrets
import string

from flask import Blueprint, jsonify, request

bp = Blueprint("links", __name__)
ALPHABET = string.ascii_letters + string.digits


def letters(count, pick):
    return "".join(pick(ALPHABET) for _ in range(count))


@bp.post("/webhook")
def check_webhook():
    body = request.get_data()
    seal = hashlib.md5(os.environ["HOOK_KEY"].encode() + body).hexdigest()
    return jsonify(accepted=secrets.compare_digest(seal, request.headers.get("X-Seal", "")))


@bp.get("/report")
def cached_report():
    body = b"report for the year"
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    response = jsonify(rows=[])
    response.headers["ETag"] = '"' + etag + '"'
    return response


def reset_link(user_id):
    token = letters(24, random.choice)
    return f"https://accounts.example.org/reset/{user_id}/{token}"


def invite_link(user_id):
    token = letters(24, secrets.choice)
    return f"https://accounts.example.org/invite/{user_id}/{token}"
