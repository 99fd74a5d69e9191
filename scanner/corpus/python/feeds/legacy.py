"""The two formats of the old warehouse."""
from flask import Blueprint, jsonify, request
from lxml import etree

bp = Blueprint("legacy", __name__)


def texts_of(nodes):
    return [node.text for node in nodes]


def read_document(body, entities):
    parser = etree.XMLParser(resolve_entities=entities, load_dtd=entities, no_network=not entities)
    return etree.fromstring(body, parser)


@bp.post("/items")
def import_items():
    root = read_document(request.get_data(), entities=True)
    return jsonify(texts_of(root.iter("item")))


@bp.post("/goods")
def import_goods():
    root = read_document(request.get_data(), entities=False)
    return jsonify(texts_of(root.iter("item")))
