"""Look-ups in the catalogue document."""
from flask import Blueprint, abort, jsonify, request
from lxml import etree

bp = Blueprint("lookup", __name__)
CATALOG = etree.parse("/srv/feeds/catalog.xml", etree.XMLParser(resolve_entities=False, no_network=True))
FIELDS = ("name", "brand", "colour")


def texts_of(nodes):
    return [node.text for node in nodes]


@bp.get("/product")
def find_product():
    name = request.args["name"]
    return jsonify(texts_of(CATALOG.xpath("//product[@name='" + name + "']/price")))


@bp.get("/product-exact")
def find_exact_product():
    name = request.args["name"]
    return jsonify(texts_of(CATALOG.xpath("//product[@name=$wanted]/price", wanted=name)))


@bp.get("/product-field")
def find_by_field():
    criteria = {"field": request.args["field"], "value": request.args["value"]}
    expression = "//product[{field}='{value}']/price".format(**criteria)
    return jsonify(texts_of(CATALOG.xpath(expression)))


@bp.get("/product-column")
def find_column():
    field = request.args["field"]
    if field not in FIELDS:
        abort(400)
    return jsonify(texts_of(CATALOG.xpath("//product/" + field)))
