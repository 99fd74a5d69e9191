"""Sections and shelves of the catalogue document."""
from flask import Blueprint, jsonify
from lxml import etree

bp = Blueprint("lookup", __name__)
CATALOG = etree.parse("/srv/feeds/catalog.xml", etree.XMLParser(resolve_entities=False, no_network=True))


def texts_of(nodes):
    return [node.text for node in nodes]


@bp.get("/section/<path:section>")
def list_section(section):
    select = etree.XPath("/catalog/section[@id='%s']/product" % section)
    return jsonify(texts_of(select(CATALOG)))


@bp.get("/shelf/<number>")
def list_shelf(number):
    select = etree.XPath("/catalog/shelf[position()=%d]/product" % int(number))
    return jsonify(texts_of(select(CATALOG)))
