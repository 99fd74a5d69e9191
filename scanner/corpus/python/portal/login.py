"""Sign-in flow of the portal."""
from urllib.parse import urlsplit

from flask import Blueprint, redirect, request, session, url_for
from fastapi import APIRouter, Header
from starlette.responses import RedirectResponse

bp = Blueprint("login", __name__)
api = APIRouter()

PARTNERS = {"press": "https://press.example.org/", "shop": "https://shop.example.org/"}


def check_password(name, password, users):
    user = users.get(name)
    return user is not None and user.verify(password)


def go(target, code=302):
    return redirect(target, code=code)


@bp.get("/after-login")
def after_login():
    wanted = request.args.get("next")
    session.pop("attempts", None)
    return go(wanted or url_for("pages.find_page"))


@bp.get("/after-signup")
def after_signup():
    session.pop("attempts", None)
    session["came_from"] = "signup"
    return go(url_for("pages.find_page", term=request.args.get("next", "")))


@bp.get("/partner")
def partner():
    target = PARTNERS.get(request.args.get("to"), PARTNERS["shop"])
    return redirect(target)


@api.get("/language")
def switch_language(lang: str, referer: str = Header(default="/"), back: str = ""):
    destination = back if back.startswith("http") else referer
    response = RedirectResponse(destination, status_code=303)
    response.set_cookie("lang", "nl" if lang == "nl" else "en", secure=True, httponly=True)
    return response


@api.get("/theme")
def switch_theme(theme: str, back: str = "https://portal.example.org/"):
    parts = urlsplit(back)
    if parts.scheme != "https" or parts.netloc != "portal.example.org" or "\\" in back:
        back = "https://portal.example.org/"
    response = RedirectResponse(back, status_code=303)
    response.set_cookie("theme", "dark" if theme == "dark" else "light", secure=True, httponly=True)
    return response
