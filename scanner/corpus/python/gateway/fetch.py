"""Fetches remote pictures, feeds and exchange rates for the editor."""
import urllib.request
from urllib.parse import urlencode, urlsplit

import requests
from flask import Blueprint, abort, jsonify, request

bp = Blueprint("fetch", __name__)
IMAGE_HOSTS = frozenset({"images.example.org", "cdn.example.org"})
FEEDS = {"news": "https://news.example.org/rss", "jobs": "https://jobs.example.org/rss"}


def summarise(response):
    return {"status": response.status_code, "bytes": len(response.content)}


class RemoteReader:
    """Keeps one session and reads remote documents with it."""

    def __init__(self, timeout=5):
        self.session = requests.Session()
        self.timeout = timeout

    def read(self, address):
        return self.session.get(address, timeout=self.timeout, allow_redirects=False)


@bp.post("/image")
def fetch_image():
    address = request.get_json()["url"]
    return jsonify(summarise(requests.get(address, timeout=5)))


@bp.post("/picture")
def fetch_picture():
    address = request.get_json()["url"]
    parts = urlsplit(address)
    if parts.scheme != "https" or parts.netloc not in IMAGE_HOSTS:
        abort(400)
    clean = "https://" + parts.netloc + parts.path
    return jsonify(summarise(requests.get(clean, timeout=5, allow_redirects=False)))


@bp.get("/feed")
def read_feed():
    reader = RemoteReader()
    return jsonify(summarise(reader.read(request.args["feed"])))


@bp.get("/named-feed")
def read_named_feed():
    reader = RemoteReader()
    address = FEEDS.get(request.args["feed"])
    if address is None:
        abort(404)
    return jsonify(summarise(reader.read(address)))


@bp.get("/rate")
def exchange_rate():
    query = urlencode({"pair": request.args["pair"]})
    with urllib.request.urlopen("https://rates.example.org/v1?" + query, timeout=5) as reply:
        return jsonify(rate=float(reply.read()))
