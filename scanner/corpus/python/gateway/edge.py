"""Tiny edge server in front of the legacy mainframe bridge; speaks HTTP by hand."""
import asyncio
import re
import socket
from urllib.parse import parse_qs, quote, unquote, urlsplit

BRIDGE = ("127.0.0.1", 8081)
TRACE = re.compile(r"[0-9a-f]{16,32}")


def query_of(target):
    return {key: values[0] for key, values in parse_qs(urlsplit(target).query).items()}


def head(status, headers):
    lines = ["HTTP/1.1 " + status]
    lines += [name + ": " + value for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


async def serve_download(reader, writer):
    request_line = (await reader.readline()).decode("latin-1")
    name = unquote(request_line.split(" ")[1].rsplit("/", 1)[-1])
    writer.write(head("200 OK", [("Content-Disposition", "attachment; filename=" + name), ("Content-Length", "0")]))
    await writer.drain()
    writer.close()


async def serve_attachment(reader, writer):
    request_line = (await reader.readline()).decode("latin-1")
    name = unquote(request_line.split(" ")[1].rsplit("/", 1)[-1])
    disposition = "attachment; filename*=UTF-8''" + quote(name, safe="")
    writer.write(head("200 OK", [("Content-Disposition", disposition), ("Content-Length", "0")]))
    await writer.drain()
    writer.close()


def forward_trace(environ, start_response):
    trace = query_of("/?" + environ.get("QUERY_STRING", "")).get("trace", "0")
    with socket.create_connection(BRIDGE, timeout=3) as upstream:
        upstream.sendall(f"GET /status HTTP/1.0\r\nHost: bridge\r\nX-Trace: {trace}\r\n\r\n".encode())
        upstream.recv(4096)
    start_response("204 No Content", [("Content-Length", "0")])
    return [b""]


def forward_span(environ, start_response):
    trace = query_of("/?" + environ.get("QUERY_STRING", "")).get("trace", "0")
    if not TRACE.fullmatch(trace):
        trace = "0"
    with socket.create_connection(BRIDGE, timeout=3) as upstream:
        upstream.sendall(f"GET /status HTTP/1.0\r\nHost: bridge\r\nX-Trace: {trace}\r\n\r\n".encode())
        upstream.recv(4096)
    start_response("204 No Content", [("Content-Length", "0")])
    return [b""]


async def main():
    server = await asyncio.start_server(serve_attachment, "127.0.0.1", 8090)
    async with server:
        await server.serve_forever()
