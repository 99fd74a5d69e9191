"""Small HTML building blocks used by the portal."""
from markupsafe import Markup, escape


def panel(title, body):
    return "<section><h2>" + str(title) + "</h2><div>" + str(body) + "</div></section>"


def panel_markup(title, body):
    return Markup("<section><h2>{}</h2><div>{}</div></section>").format(title, body)


def crumb(parts):
    return Markup(" / ").join(escape(p) for p in parts)
