"""Imports product feeds (XML)."""
import io
import xml.sax
from xml.sax.handler import ContentHandler, feature_external_ges

import defusedxml.ElementTree as DET
from flask import Blueprint, jsonify, request
from lxml import etree

bp = Blueprint("importer", __name__)


class Texts(ContentHandler):
    """Collects the text of every product element."""

    def __init__(self):
        super().__init__()
        self.parts = []

    def characters(self, content):
        self.parts.append(content)


def texts_of(nodes):
    return [node.text for node in nodes]


@bp.post("/feed")
def import_feed():
    parser = etree.XMLParser(resolve_entities=True, load_dtd=True, no_network=False)
    root = etree.fromstring(request.data, parser)
    return jsonify(texts_of(root.iter("product")))


@bp.post("/supplier-feed")
def import_supplier_feed():
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    root = etree.fromstring(request.data, parser)
    return jsonify(texts_of(root.iter("product")))


@bp.post("/stock")
def import_stock():
    handler = Texts()
    reader = xml.sax.make_parser()
    reader.setFeature(feature_external_ges, True)
    reader.setContentHandler(handler)
    reader.parse(io.BytesIO(request.files["stock"].read()))
    return jsonify(handler.parts)


@bp.post("/prices")
def import_prices():
    root = DET.fromstring(request.files["prices"].read())
    return jsonify(texts_of(root.iter("price")))
