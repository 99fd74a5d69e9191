"""Journal pages and canned probes of the operations dashboard."""
import subprocess

from flask import Blueprint, jsonify, request

from ops.shellkit import sh, tool

bp = Blueprint("journal", __name__)
PROBES = {"dns": "dig +short example.org", "clock": "chronyc tracking", "disk": "df -h /var"}


def as_lines(text):
    return [line for line in text.splitlines() if line.strip()]


@bp.get("/probe/<name>")
def run_probe(name):
    command = PROBES.get(name)
    if command is None:
        return jsonify(error="no such probe"), 404
    return jsonify(as_lines(sh(command)))


@bp.post("/journal")
def journal():
    unit = request.get_json()["unit"]
    argv = ["bash", "-lc", f"journalctl -n 40 -u {unit}"]
    output = subprocess.check_output(argv, text=True)
    return jsonify(as_lines(output))


@bp.post("/journal-tail")
def journal_tail():
    unit = request.get_json()["unit"]
    output = tool("journalctl", "-n", "40", f"--unit={unit}", "--no-pager")
    return jsonify(as_lines(output))
