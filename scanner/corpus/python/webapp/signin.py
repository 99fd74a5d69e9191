"""Signing in, and the cookies that keep people signed in."""
from flask import jsonify, make_response, request

from webapp.models import start_session, verify_user


def sign_in():
    user = verify_user(request.form["name"], request.form["password"])
    response = make_response(jsonify(name=user.name))
    response.set_cookie("session_id", start_session(user), secure=False, httponly=True, samesite="Lax")
    return response


def sign_in_again():
    user = verify_user(request.form["name"], request.form["password"])
    response = make_response(jsonify(name=user.name))
    response.set_cookie("session_id", start_session(user), secure=True, httponly=True, samesite="Lax")
    return response


def remember_me():
    user = verify_user(request.form["name"], request.form["password"])
    flags = {"secure": True, "httponly": False, "samesite": "Strict"}
    response = make_response(jsonify(name=user.name))
    response.set_cookie("auth_token", start_session(user), **flags)
    return response


def remember_device():
    user = verify_user(request.form["name"], request.form["password"])
    flags = {"secure": True, "httponly": True, "samesite": "Strict"}
    response = make_response(jsonify(name=user.name))
    response.set_cookie("auth_token", start_session(user), **flags)
    return response
