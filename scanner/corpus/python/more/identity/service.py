"""Sign-in, directory and tokens."""
import hashlib
import hmac
import os
import random
import secrets

import jwt
import ldap3
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, abort, jsonify, request
from flask.views import MethodView
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn
from lxml import etree

app = Flask(__name__)
BASE = "ou=people,dc=example,dc=com"


def directory():
    return ldap3.Connection(ldap3.Server("ldaps://ldap.example.com"), auto_bind=True)


class People(MethodView):
    def get(self):
        mail = request.args["mail"]
        conn = directory()
        conn.search(BASE, f"(&(objectClass=person)(mail={mail}))", attributes=["cn"])
        return jsonify(len(conn.entries))

    def post(self):
        mail = escape_filter_chars(request.form["mail"])
        conn = directory()
        conn.search(BASE, f"(&(objectClass=person)(mail={mail}))", attributes=["cn"])
        return jsonify(len(conn.entries))

    def put(self):
        room = escape_rdn(request.form["room"])
        conn = directory()
        conn.search(BASE, "(roomNumber=%s)" % room, attributes=["cn"])
        return jsonify(len(conn.entries))


class Certificates(MethodView):
    tree = etree.parse("/srv/identity/certificates.xml")

    def get(self):
        found = self.tree.xpath("//certificate[@owner='%s']" % request.args["owner"])
        return jsonify(len(found))

    def patch(self):
        found = self.tree.xpath("//certificate[@owner=$owner]", owner=request.args["owner"])
        return jsonify(len(found))

    def post(self):
        parser = etree.XMLParser(load_dtd=True, resolve_entities=True, no_network=False)
        root = etree.fromstring(request.get_data(), parser)
        return jsonify(root.tag)

    def put(self):
        parser = etree.XMLParser(load_dtd=False, resolve_entities=False, no_network=True)
        root = etree.fromstring(request.get_data(), parser)
        return jsonify(root.tag)


app.add_url_rule("/people", view_func=People.as_view("people"))
app.add_url_rule("/certificates", view_func=Certificates.as_view("certificates"))


def store_password(password):
    salt = os.urandom(16)
    return salt.hex() + "$" + hashlib.sha512(salt + password.encode()).hexdigest()


def keep_password(password):
    salt = os.urandom(16)
    return salt.hex() + "$" + hashlib.scrypt(password.encode(), salt=salt, n=2 ** 15, r=8, p=1, maxmem=2 ** 26).hex()


def stamp(document, key):
    return key.sign(hashlib.sha1(document).digest())


def cache_name(address):
    return hashlib.md5(address.encode(), usedforsecurity=False).hexdigest() + ".cache"


def seal(key, blocks):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(blocks) + encryptor.finalize()


def enclose(key, data):
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, data, None)


def device_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)


def root_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=3072)


def reset_code():
    return "".join(random.choice("0123456789") for _ in range(8))


def invite_code():
    return "".join(secrets.choice("0123456789") for _ in range(8))


def current_user():
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    return claims["sub"]


def calling_user():
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    claims = jwt.decode(token, app.config["TOKEN_KEY"], algorithms=["HS256"])
    return claims["sub"]


def issue(name):
    return jwt.encode({"sub": name}, "plum-orchard-ladder-key", algorithm="HS256")


def grant(name):
    return jwt.encode({"sub": name}, os.environ["TOKEN_KEY"], algorithm="HS256")


def serve():
    app.run(host="0.0.0.0", port=8000, debug=True)


def serve_here():
    app.run(host="0.0.0.0", port=8000, debug=False)
