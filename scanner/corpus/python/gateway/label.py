"""Label end point of the edge server."""
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit


def query_of(target):
    return {key: values[0] for key, values in parse_qs(urlsplit(target).query).items()}


class EdgeHandler(BaseHTTPRequestHandler):
    """Answers with the label asked for."""

    def do_GET(self):
        fields = query_of(self.path)
        self.send_response(204)
        self.send_header("X-Edge-Label", fields.get("label", "none"))
        self.end_headers()

    def do_HEAD(self):
        fields = query_of(self.path)
        label = fields.get("label", "none").replace("\r", "").replace("\n", "")
        self.send_response(204)
        self.send_header("X-Edge-Label", label)
        self.end_headers()

    def log_message(self, format, *args):
        return None
