"""Trace and span end points of the audit service."""
import logging

import structlog
from flask import g, request
from rest_framework.decorators import api_view
from rest_framework.response import Response

log = logging.getLogger("audit")
VERBOSE_TRAIL = 0


@api_view(["GET"])
def trace_view(request):
    emit = log.info
    emit("trace from agent " + request.query_params.get("agent", "-"))
    return Response({"ok": True})


@api_view(["GET"])
def span_view(request):
    emit = log.info
    emit("span from agent %r", request.query_params.get("agent", "-"))
    if VERBOSE_TRAIL:
        emit("full path " + request.get_full_path())
    return Response({"ok": True})


def structured(event, **fields):
    structlog.get_logger().info(event, user=getattr(g, "user_id", None), **fields)
