"""The loop that lets the model call tools."""
import json

from openai import OpenAI

client = OpenAI()
MODEL = "gpt-4o-mini"


class ToolLoop:
    """Dispatches the tool calls that the model asks for."""

    def __init__(self):
        self.messages = []
        self.scope = {}

    def step(self, tools):
        reply = client.chat.completions.create(model=MODEL, messages=self.messages, tools=tools)
        for call in reply.choices[0].message.tool_calls or []:
            arguments = json.loads(call.function.arguments)
            if call.function.name == "python":
                exec(arguments["code"], self.scope)
                shown = repr(self.scope.get("result"))
                self.messages.append({"role": "tool", "tool_call_id": call.id, "content": shown})

    def summarise(self):
        reply = client.chat.completions.create(model=MODEL, messages=self.messages)
        text = reply.choices[0].message.content
        scope = {"text": text}
        exec("result = text.strip().splitlines()[0] if text else ''", scope)
        return scope["result"]
