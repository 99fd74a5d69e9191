"""Previews of text messages."""
from flask import Blueprint, jsonify, request
from jinja2 import Template
from mako.template import Template as MakoTemplate

bp = Blueprint("sms", __name__)


@bp.post("/sms")
def preview_sms():
    form = request.form
    make = MakoTemplate
    return jsonify(text=make(form["template"]).render(name=form.get("name", "")))


@bp.post("/sms-reminder")
def preview_reminder():
    form = request.form
    make = MakoTemplate
    return jsonify(text=make("Reminder for ${name}: ${what}").render(name=form.get("name", ""), what=form["template"]))


def subject_line(order):
    return Template("Your order {{ number }}").render(number=order["number"])
