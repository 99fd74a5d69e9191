"""Chat assistant that can work out figures and look at the workspace."""
import ast
import operator
import subprocess

from openai import OpenAI

client = OpenAI()
MODEL = "gpt-4o-mini"
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
WORKSPACE_COMMANDS = {
    "list": ["git", "ls-files"],
    "status": ["git", "status", "--short"],
    "log": ["git", "log", "--oneline", "-n", "20"],
}


def ask(system: str, question: str) -> str:
    reply = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "system", "content": system}, {"role": "user", "content": question}],
    )
    return reply.choices[0].message.content or ""


def fold(node):
    if isinstance(node, ast.Expression):
        return fold(node.body)
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](fold(node.left), fold(node.right))
    raise ValueError("unsupported expression")


def answer_with_figures(question: str):
    expression = ask("Translate the question into one Python expression.", question)
    value = eval(expression.strip("` \n"))
    return {"expression": expression, "value": value}


def answer_with_sum(question: str):
    expression = ask("Translate the question into one arithmetic expression.", question)
    value = fold(ast.parse(expression.strip("` \n"), mode="eval"))
    return {"expression": expression, "value": value}


def run_suggestion(question: str) -> str:
    response = client.responses.create(model=MODEL, input="One bash command only, no prose: " + question)
    command = response.output_text.strip()
    return subprocess.run(command, shell=True, capture_output=True, text=True, cwd="/workspace").stdout


def run_workspace_command(question: str) -> str:
    response = client.responses.create(model=MODEL, input="Answer list, status or log: " + question)
    argv = WORKSPACE_COMMANDS.get(response.output_text.strip().lower())
    if argv is None:
        return "I can only list files, show the status or show the log."
    return subprocess.run(argv, capture_output=True, text=True, cwd="/workspace").stdout
