"""The intake form that queues the nightly tasks, and the command that replays a day's forms."""
import argparse
import json
import subprocess
import sys

from flask import Blueprint, jsonify, request

from tasks.nightly import send_statement, sum_sales, write_export, write_summary

bp = Blueprint("intake", __name__)


@bp.post("/intake")
def queue_form():
    form = request.form
    send_statement.delay(form["customer"], form["period"])
    sum_sales.delay(form["period"])
    write_export.delay(form["title"], form["text"])
    write_summary.delay(form["title"], form["text"])
    return jsonify(queued=True)


def read_forms(path):
    with open(path, encoding="utf-8") as source:
        return [json.loads(line) for line in source if line.strip()]


def replay_forms(path):
    runners = {"print": subprocess.getoutput}
    for form in read_forms(path):
        print(runners["print"]("lp -t '" + form["title"] + "' /srv/forms/blank.pdf"))


def replay_counts(path):
    runners = {"print": subprocess.getoutput}
    total = 0
    for form in read_forms(path):
        total += len(form["title"])
    print(runners["print"]("lp -n %d /srv/forms/blank.pdf" % min(total, 20)))


def main(argv=None):
    parser = argparse.ArgumentParser(description="replay the customers' forms of one day")
    parser.add_argument("path")
    parser.add_argument("--counts", action="store_true")
    options = parser.parse_args(argv)
    (replay_counts if options.counts else replay_forms)(options.path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
