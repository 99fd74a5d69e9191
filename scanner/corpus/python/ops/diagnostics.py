"""Network diagnostics behind the operations dashboard."""
import ipaddress
import os

from flask import Blueprint, jsonify, request

from ops.shellkit import quoted, sh

bp = Blueprint("diagnostics", __name__)


def as_lines(text):
    return [line for line in text.splitlines() if line.strip()]


@bp.get("/ping")
def ping_host():
    host = request.args["host"]
    output = os.popen("ping -c 1 -W 2 " + host).read()
    return jsonify(as_lines(output))


@bp.get("/ping4")
def ping_address():
    host = request.args["host"]
    address = ipaddress.IPv4Address(host)
    output = os.popen("ping -c 1 -W 2 " + str(address)).read()
    return jsonify(as_lines(output))


@bp.get("/trace")
def trace_route():
    target = request.headers.get("X-Trace-Target", "localhost")
    return jsonify(as_lines(sh("traceroute -m 8 %s" % target, timeout=60)))


@bp.get("/whois")
def whois_domain():
    target = request.headers.get("X-Trace-Target", "localhost")
    return jsonify(as_lines(sh("whois -- %s" % quoted(target), timeout=60)))


@bp.get("/uptime")
def uptime():
    viewer = request.args.get("viewer", "nobody")
    return jsonify(viewer=viewer, lines=as_lines(sh("uptime --pretty")))
