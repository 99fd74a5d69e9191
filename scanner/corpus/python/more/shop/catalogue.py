"""Catalogue pages of the shop."""
import json
import os
import re
import sqlite3
from urllib.parse import urlparse, urljoin

from flask import (Blueprint, Response, abort, current_app, g, jsonify, make_response,
                   redirect, render_template, render_template_string, request, send_file,
                   send_from_directory, session)
from markupsafe import Markup, escape
from werkzeug.utils import secure_filename

from . import storage

bp = Blueprint("catalogue", __name__, url_prefix="/catalogue")

SORTS = {"price": "price_cents", "name": "title", "new": "added_at DESC"}
ALLOWED = {"png", "jpeg", "webp"}


def db():
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"])
        g.db.row_factory = sqlite3.Row
    return g.db


@bp.teardown_app_request
def close(_error=None):
    conn = g.pop("db", None)
    if conn is not None:
        conn.close()


@bp.get("/")
def index():
    wanted = request.args.get("sort", "name")
    column = SORTS.get(wanted, wanted)
    rows = db().execute(
        f"SELECT id, title, price_cents FROM item WHERE shelf = ? ORDER BY {column}",
        (request.args.get("shelf", "front"),),
    ).fetchall()
    return render_template("catalogue/index.html", rows=rows)


@bp.get("/list")
def listing():
    wanted = request.args.get("sort", "name")
    column = SORTS.get(wanted, "title")
    rows = db().execute(
        f"SELECT id, title, price_cents FROM item WHERE shelf = ? ORDER BY {column}",
        (request.args.get("shelf", "front"),),
    ).fetchall()
    return render_template("catalogue/index.html", rows=rows)


@bp.post("/filter")
def filter_items():
    criteria = request.get_json(force=True)
    items = storage.matching(db(), {"maker": criteria["maker"], "colour": criteria.get("colour", "any")})
    return jsonify(len(items))


@bp.post("/select")
def select_items():
    criteria = request.get_json(force=True)
    items = storage.selecting(db(), {"maker": criteria["maker"], "colour": criteria.get("colour", "any")})
    return jsonify(len(items))


@bp.get("/many")
def many():
    ids = request.args.getlist("id")
    marks = ",".join("?" for _ in ids)
    rows = db().execute(f"SELECT id, title FROM item WHERE id IN ({marks})", ids).fetchall()
    return jsonify([dict(r) for r in rows])


@bp.get("/some")
def some():
    ids = request.args.getlist("id")
    marks = ",".join(i.strip() for i in ids)
    rows = db().execute(f"SELECT id, title FROM item WHERE id IN ({marks})").fetchall()
    return jsonify([dict(r) for r in rows])


@bp.get("/hello")
def hello():
    name = request.args.get("name", "guest")
    page = "<p>Welcome back, " + str(escape(name)) + "! Your shelf is {{ shelf }}.</p>"
    return render_template_string(page, shelf=session.get("shelf", "front"))


@bp.get("/greeting")
def greeting():
    name = request.args.get("name", "guest")
    page = "<p>Welcome back, {{ name }}! Your shelf is {{ shelf }}.</p>"
    return render_template_string(page, name=name, shelf=session.get("shelf", "front"))


@bp.post("/note")
def note():
    text = request.form["note"]
    body = Markup("<blockquote>%s</blockquote>" % text)
    return render_template("catalogue/note.html", body=body)


@bp.post("/remark")
def remark():
    text = request.form["note"]
    body = Markup("<blockquote>%s</blockquote>") % text
    return render_template("catalogue/note.html", body=body)


@bp.get("/sheet")
def sheet():
    name = request.args["name"]
    path = os.path.join(current_app.root_path, "sheets", name)
    if not os.path.isfile(path):
        abort(404)
    return send_file(path)


@bp.get("/leaflet")
def leaflet():
    name = request.args["name"]
    return send_from_directory(os.path.join(current_app.root_path, "sheets"), name)


@bp.post("/picture")
def picture():
    upload = request.files["picture"]
    if upload.mimetype.split("/")[-1] not in ALLOWED:
        abort(415)
    name = secure_filename(upload.filename)
    upload.save(os.path.join(current_app.static_folder, name))
    return jsonify(name)


@bp.post("/cover")
def cover():
    upload = request.files["picture"]
    name = secure_filename(upload.filename)
    if name.rsplit(".", 1)[-1].lower() not in ALLOWED:
        abort(415)
    upload.save(os.path.join(current_app.static_folder, name))
    return jsonify(name)


@bp.get("/back")
def back():
    target = urljoin(request.host_url, request.args.get("next", ""))
    if urlparse(target).scheme not in ("http", "https"):
        abort(400)
    return redirect(target)


@bp.get("/return")
def go_back():
    target = urljoin(request.host_url, request.args.get("next", ""))
    own = urlparse(request.host_url)
    there = urlparse(target)
    if there.scheme not in ("http", "https") or there.netloc != own.netloc:
        abort(400)
    return redirect(target)


@bp.post("/resume")
def resume():
    answer = make_response("", 204)
    answer.set_cookie("basket_session", session["basket_id"], secure=True, httponly=False, samesite="Lax")
    return answer


@bp.post("/suspend")
def suspend():
    answer = make_response("", 204)
    answer.set_cookie("basket_session", session["basket_id"], secure=True, httponly=True, samesite="Lax")
    return answer


@bp.post("/group")
def group():
    session["customer_group"] = request.form.get("group", "retail")
    return redirect("/catalogue/")


@bp.post("/paging")
def paging():
    size = request.form.get("size", type=int) or 20
    session["page_size"] = min(max(size, 10), 100)
    return redirect("/catalogue/")
