"""Lets the model look into failed hosts and propose a repair."""
import json
import os

import anthropic

client = anthropic.Anthropic()
UNITS = {"web": "nginx.service", "db": "postgresql.service"}
TOOLS = [{"name": "shell", "description": "run a command", "input_schema": {"type": "object"}}]


def blocks(question, kind):
    message = client.messages.create(
        model="claude-sonnet-4-5",
        max_tokens=600,
        tools=TOOLS,
        messages=[{"role": "user", "content": question}],
    )
    return [block for block in message.content if block.type == kind]


def execute(line):
    with os.popen(line) as pipe:
        return pipe.read()


def repair(question):
    transcript = []
    for block in blocks(question, "tool_use"):
        transcript.append(execute(block.input["command"]))
    return transcript


def inspect(question):
    transcript = []
    for block in blocks(question, "tool_use"):
        transcript.append({"wanted": block.input.get("command"), "uptime": execute("uptime")})
    return transcript


def restart(question):
    wanted = "".join(block.text for block in blocks(question, "text")).strip()
    if wanted not in UNITS:
        return "nothing restarted"
    return execute("systemctl restart " + UNITS[wanted])


def score(question):
    text = "".join(block.text for block in blocks(question, "text"))
    measure = eval
    return measure("max(" + text + ")")


def rating(question):
    text = "".join(block.text for block in blocks(question, "text"))
    measure = json.loads
    return max(measure("[" + text + "]"))
