"""Renders transactional mail and the previews of it."""
from flask import Blueprint, jsonify, render_template_string, request
from jinja2 import DictLoader, Environment, select_autoescape

bp = Blueprint("render", __name__)
LAYOUTS = {
    "plain": "Dear {{ name }},\n\n{{ text }}\n",
    "short": "{{ name }}: {{ text }}\n",
}
env = Environment(loader=DictLoader(LAYOUTS), autoescape=select_autoescape(default_for_string=True))


def footer(year):
    return "(c) %d Orchard Post" % year


def fill(source, **values):
    return env.from_string(source).render(**values)


@bp.get("/hello")
def hello_page():
    name = request.args.get("name", "there")
    page = "<h1>Hello " + name.replace("<", "&lt;") + "!</h1><p>{{ footer }}</p>"
    return render_template_string(page, footer=footer(2026))


@bp.get("/welcome")
def welcome_page():
    name = request.args.get("name", "there")
    page = "<h1>Hello {{ name }}!</h1><p>{{ footer }}</p>"
    return render_template_string(page, name=name, footer=footer(2026))


@bp.post("/preview")
def preview_campaign():
    campaign = request.get_json()
    return jsonify(text=fill(campaign["body"], name="Ada", text="sample"))


@bp.post("/preview-layout")
def preview_layout():
    campaign = request.get_json()
    source = LAYOUTS.get(campaign.get("layout"), LAYOUTS["plain"])
    return jsonify(text=fill(source, name="Ada", text=campaign["body"]))
