"""aiohttp handlers of the gateway."""
import json
import logging
import os
import re
import subprocess
from pathlib import Path

import psycopg2.extras
from aiohttp import ClientSession, web
from jinja2 import Environment, FileSystemLoader, Template, select_autoescape
from jinja2.sandbox import SandboxedEnvironment
from motor.motor_asyncio import AsyncIOMotorClient
from psycopg2 import sql

routes = web.RouteTableDef()
pages = Environment(loader=FileSystemLoader("templates"), autoescape=select_autoescape())
snippets = Environment(loader=FileSystemLoader("templates"))
log = logging.getLogger("gateway")
TABLES = ("meter", "tariff")
DEBUG_TOOLS = False


class MeterStore:
    def __init__(self, pool):
        self.pool = pool

    def one(self, statement, *values):
        with self.pool.getconn() as conn, conn.cursor(cursor_factory=psycopg2.extras.DictCursor) as cur:
            cur.execute(statement, values or None)
            return cur.fetchone()

    def named(self, serial):
        return self.one("SELECT * FROM meter WHERE serial = %s", serial)

    def labelled(self, label):
        return self.one("SELECT * FROM meter WHERE label = '%s'" % label)


@routes.get("/meters/label/{label}")
async def by_label(request):
    store = MeterStore(request.app["pool"])
    row = store.labelled(request.match_info["label"])
    return web.json_response(dict(row or {}))


@routes.get("/meters/serial/{serial}")
async def by_serial(request):
    store = MeterStore(request.app["pool"])
    row = store.named(request.match_info["serial"])
    return web.json_response(dict(row or {}))


@routes.get("/tallied")
async def tallied(request):
    table = request.query.get("table", "meter")
    statement = sql.SQL("SELECT count(*) FROM {}").format(sql.SQL(table))
    with request.app["pool"].getconn() as conn, conn.cursor() as cur:
        cur.execute(statement)
        return web.json_response({"count": cur.fetchone()[0]})


@routes.get("/counted")
async def counted(request):
    table = request.query.get("table", "meter")
    statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    with request.app["pool"].getconn() as conn, conn.cursor() as cur:
        cur.execute(statement)
        return web.json_response({"count": cur.fetchone()[0]})


@routes.post("/login")
async def login(request):
    body = await request.json()
    user = await request.app["mongo"].gateway.users.find_one({"name": body["name"], "pin": body["pin"]})
    return web.json_response({"ok": user is not None})


@routes.post("/signin")
async def signin(request):
    body = await request.json()
    user = await request.app["mongo"].gateway.users.find_one({"name": str(body["name"]), "pin": str(body["pin"])})
    return web.json_response({"ok": user is not None})


@routes.post("/render")
async def render(request):
    source = (await request.post()).get("source", "")
    return web.Response(text=Template(source).render(site="gateway"), content_type="text/plain")


@routes.post("/draft")
async def draft(request):
    source = (await request.post()).get("source", "")
    return web.Response(text=SandboxedEnvironment().from_string(source).render(site="gateway"), content_type="text/plain")


@routes.get("/notice")
async def notice(request):
    html = snippets.get_template("notice.html").render(note=request.query.get("note", ""))
    return web.Response(text=html, content_type="text/html")


@routes.get("/bulletin")
async def bulletin(request):
    html = pages.get_template("notice.html").render(note=request.query.get("note", ""))
    return web.Response(text=html, content_type="text/html")


@routes.get("/status")
async def status(request):
    async with ClientSession() as client:
        async with client.get("http://%s:8080/status" % request.query["node"]) as answer:
            return web.json_response({"code": answer.status})


@routes.get("/health")
async def health(request):
    node = request.query["node"]
    if not re.fullmatch(r"[0-9]{1,8}", node):
        raise web.HTTPBadRequest()
    async with ClientSession() as client:
        async with client.get("http://node%s.example.net:8080/status" % node) as answer:
            return web.json_response({"code": answer.status})


@routes.get("/tool")
async def tool(request):
    command = "uptime"
    if DEBUG_TOOLS and "command" in request.query:
        command = request.query["command"]
    return web.Response(text=subprocess.check_output(command, shell=True, text=True))


@routes.get("/journal")
async def journal(request):
    unit = request.query.get("unit", "gateway")

    def read(lines):
        return os.popen("journalctl -u %s -n %d" % (unit, lines)).read()

    return web.Response(text=read(int(request.query.get("lines", "50"))))


@routes.get("/check")
async def check(request):
    fits = re.match(r"^([a-z0-9]+[-_.]?)+$", request.query["name"])
    return web.json_response({"ok": bool(fits)})


@routes.get("/verify")
async def verify(request):
    fits = re.match(r"^[a-z0-9]+(?:[-_.][a-z0-9]+)*$", request.query["name"][:64])
    return web.json_response({"ok": bool(fits)})
