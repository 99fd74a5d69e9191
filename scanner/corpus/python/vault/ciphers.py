"""Encryption of stored documents and card records."""
import os

from Crypto.Cipher import AES, DES
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC

START = bytes(16)


def padded(data, bits=128):
    padder = padding.PKCS7(bits).padder()
    return padder.update(data) + padder.finalize()


def encrypt_card(key, number):
    return DES.new(key[:8], DES.MODE_ECB).encrypt(padded(number.encode(), 64))


def encrypt_card_record(key, number):
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, number.encode(), b"card")


def seal_document(key, document):
    make = AES.new
    return make(key, AES.MODE_ECB).encrypt(padded(document))


def seal_archive(key, document):
    make = AES.new
    cipher = make(key, AES.MODE_GCM)
    body, tag = cipher.encrypt_and_digest(document)
    return cipher.nonce + tag + body


def encrypt_note(key, note):
    encryptor = Cipher(algorithms.AES(key), modes.CBC(START)).encryptor()
    return encryptor.update(padded(note)) + encryptor.finalize()


def encrypt_letter(key, mac_key, letter):
    start = os.urandom(16)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    body = start + encryptor.update(padded(letter)) + encryptor.finalize()
    seal = HMAC(mac_key, hashes.SHA256())
    seal.update(body)
    return body + seal.finalize()
