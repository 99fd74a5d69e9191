"""Application factory and cross-cutting headers."""
import os

from flask import Flask, request

from webapp.signin import sign_in, sign_in_again

ORIGINS = {"https://app.example.org", "https://admin.example.org"}


def create_app():
    app = Flask("webapp")
    app.secret_key = os.environ["WEBAPP_KEY"]
    app.add_url_rule("/sign-in", view_func=sign_in, methods=["POST"])
    app.add_url_rule("/sign-in-again", view_func=sign_in_again, methods=["POST"])
    app.after_request(share_headers)
    return app


def share_headers(response):
    response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "")
    response.headers["Access-Control-Allow-Credentials"] = "true"
    return response


def origin_headers(response):
    origin = request.headers.get("Origin", "")
    if origin in ORIGINS:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Vary"] = "Origin"
    return response


def serve():
    app = create_app()
    app.run(host="0.0.0.0", port=8000, debug=True)


def serve_local():
    app = create_app()
    debug = bool(os.environ.get("WEBAPP_DEBUG"))
    debug = False
    app.run(host="127.0.0.1", port=8000, debug=debug)
