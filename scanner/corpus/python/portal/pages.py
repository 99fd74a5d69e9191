"""Public pages of the portal (aiohttp and Flask side by side during the migration)."""
import html

from aiohttp import web
from flask import Blueprint, Response, make_response, request

from portal.widgets import crumb, panel, panel_markup

bp = Blueprint("pages", __name__)
routes = web.RouteTableDef()


def page(body):
    return "<!doctype html><html><body>" + str(body) + "</body></html>"


@bp.get("/find")
def find_page():
    term = request.args.get("term", "")
    return "<p>No results for <b>" + term + "</b></p>"


@bp.get("/find-all")
def find_all_page():
    term = request.args.get("term", "")
    return "<p>No results for <b>" + html.escape(term) + "</b></p>"


@bp.get("/find-text")
def find_text():
    term = request.args.get("term", "")
    response = make_response("No results for " + term)
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@bp.get("/greeting")
def greeting_page():
    nick = request.cookies.get("nick", "guest")
    return Response(page(panel("Welcome back", nick)), mimetype="text/html")


@bp.get("/greeting-card")
def greeting_card():
    nick = request.cookies.get("nick", "guest")
    return Response(page(panel_markup("Welcome back", nick)), mimetype="text/html")


@routes.get("/room/{name}")
async def room_page(request):
    fragments = {"head": "<h1>Room</h1>"}
    fragments["name"] = "<p data-room='%s'>joined</p>" % request.match_info["name"]
    return web.Response(text=page("".join(fragments.values())), content_type="text/html")


@routes.get("/floor/{number}")
async def floor_page(request):
    fragments = {"head": crumb(["Building", "Floor"])}
    fragments["name"] = "<p data-floor='%d'>joined</p>" % int(request.match_info["number"])
    return web.Response(text=page("".join(fragments.values())), content_type="text/html")
