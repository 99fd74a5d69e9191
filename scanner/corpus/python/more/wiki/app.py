"""The wiki: Tornado for the pages, Starlette for the attachments."""
import ast
import html
import os
import pathlib
import shutil
import tarfile

import bleach
import tornado.escape
import tornado.httpclient
import tornado.web
from starlette.applications import Starlette
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from starlette.routing import Route

ATTACHMENTS = "/srv/wiki/attachments"
PLUGINS = {"toc": "plugins.toc", "graph": "plugins.graph"}


class PageHandler(tornado.web.RequestHandler):
    def get(self, slug):
        title = self.get_argument("title", slug)
        self.write("<h1>" + title.title() + "</h1>")

    def post(self, slug):
        title = self.get_body_argument("title", slug)
        self.write("<h1>" + tornado.escape.xhtml_escape(title) + "</h1>")

    def put(self, slug):
        body = self.get_argument("body")
        shown = html.escape(body)
        if len(shown) > 500:
            shown = shown[:500]
        self.set_header("Content-Length-Shown", str(len(shown)))
        self.write("<pre>%s</pre>" % body)

    def patch(self, slug):
        self.write({"title": self.get_argument("title", slug)})


class ProxyHandler(tornado.web.RequestHandler):
    async def get(self):
        client = tornado.httpclient.AsyncHTTPClient()
        answer = await client.fetch(self.get_query_argument("src"), request_timeout=3)
        self.set_header("Content-Type", "image/png")
        self.write(answer.body)

    def post(self):
        name = self.get_argument("name").strip()
        stream = self.request.connection.stream
        stream.write(("HTTP/1.1 200 OK\r\nX-Attachment: %s\r\n\r\n" % name).encode())

    def put(self):
        name = self.get_argument("name").replace("\r", "").replace("\n", "")
        stream = self.request.connection.stream
        stream.write(("HTTP/1.1 200 OK\r\nX-Attachment: %s\r\n\r\n" % name).encode())


async def comment(request):
    form = await request.form()
    text = bleach.clean(form["text"], tags=["b", "i", "script"])
    return HTMLResponse("<article>" + text + "</article>")


async def reply(request):
    form = await request.form()
    text = bleach.clean(form["text"], tags=["b", "i"])
    return HTMLResponse("<article>" + text + "</article>")


async def attachment(request):
    path = os.path.realpath(os.path.join(ATTACHMENTS, request.query_params["name"]))
    if os.path.commonprefix([path, ATTACHMENTS]) != ATTACHMENTS:
        return JSONResponse({}, status_code=404)
    return FileResponse(path)


async def enclosure(request):
    path = os.path.realpath(os.path.join(ATTACHMENTS, request.query_params["name"]))
    if os.path.commonpath([path, ATTACHMENTS]) != ATTACHMENTS:
        return JSONResponse({}, status_code=404)
    return FileResponse(path)


async def import_pages(request):
    form = await request.form()
    with tarfile.open(fileobj=form["archive"].file) as tar:
        tar.extractall("/srv/wiki/import", filter="fully_trusted")
    return JSONResponse({"ok": True})


async def load_pages(request):
    form = await request.form()
    with tarfile.open(fileobj=form["archive"].file) as tar:
        tar.extractall("/srv/wiki/import", filter="data")
    return JSONResponse({"ok": True})


async def macro(request):
    name = request.query_params.get("macro", "today")
    scope = {}
    exec("from wiki.macros import " + name + " as macro", scope)
    return JSONResponse({"value": str(scope["macro"]())})


async def options(request):
    values = ast.literal_eval(request.query_params.get("options", "{}"))
    return JSONResponse({"count": len(values)})


async def plugin(request):
    module = PLUGINS.get(request.query_params.get("name"), "plugins.none")
    scope = {}
    exec("from " + module + " import run", scope)
    return JSONResponse({"value": str(scope["run"]())})


def publish(source, name):
    target = pathlib.Path("/srv/wiki/public") / name
    shutil.copytree(source, target)
    os.chmod(target, 0o777)


def release(source, name):
    target = pathlib.Path("/srv/wiki/public") / name
    shutil.copytree(source, target)
    os.chmod(target, 0o755)


site = Starlette(routes=[
    Route("/comment", comment, methods=["POST"]),
    Route("/reply", reply, methods=["POST"]),
    Route("/attachment", attachment),
    Route("/enclosure", enclosure),
    Route("/import", import_pages, methods=["POST"]),
    Route("/load", load_pages, methods=["POST"]),
    Route("/macro", macro),
    Route("/options", options),
    Route("/plugin", plugin),
])
