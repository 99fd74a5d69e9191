"""Live board: Tornado handlers and a websocket channel."""
import json
import sqlite3
import subprocess

import tornado.web
import tornado.websocket
from tornado.escape import xhtml_escape

SHOW_RAW = False
DB = "/var/lib/board/board.sqlite3"


def open_board():
    return sqlite3.connect(DB)


class TopicHandler(tornado.web.RequestHandler):
    def get(self, topic):
        emit = self.write
        emit("<h1>Topic " + topic + "</h1>")

    def post(self, topic):
        emit = self.write
        if SHOW_RAW:
            emit("<h1>Topic " + topic + "</h1>")
        else:
            emit("<h1>Topic " + xhtml_escape(topic) + "</h1>")


class BoardChannel(tornado.websocket.WebSocketHandler):
    """Messages are JSON objects with a verb and its arguments."""

    def on_message(self, message):
        request = json.loads(message)

        def rows():
            statement = "SELECT body FROM posts WHERE author = '" + request["author"] + "'"
            return open_board().execute(statement).fetchall()

        self.write_message(json.dumps(rows()))


class ArchiveChannel(tornado.websocket.WebSocketHandler):
    def on_message(self, message):
        request = json.loads(message)

        def rows():
            statement = "SELECT body FROM archive WHERE author = ?"
            return open_board().execute(statement, (request["author"],)).fetchall()

        self.write_message(json.dumps(rows()))


class SpeakChannel(tornado.websocket.WebSocketHandler):
    def on_message(self, message):
        voice, _, text = message.partition(":")
        subprocess.Popen(f"espeak -v {voice} --stdin", shell=True, stdin=subprocess.PIPE).communicate(text.encode())


class WhisperChannel(tornado.websocket.WebSocketHandler):
    def on_message(self, message):
        voice, _, text = message.partition(":")
        self.application.settings["voices"].append(voice)
        subprocess.Popen("espeak -v en --stdin", shell=True, stdin=subprocess.PIPE).communicate(text.encode())
