"""Storage of passwords."""
import hashlib
import os


def digest(data, name="sha256"):
    return hashlib.new(name, data).hexdigest()


def store_password(users, name, password):
    users[name] = {"hash": hashlib.sha256(password.encode()).hexdigest()}


def store_passphrase(users, name, password):
    salt = os.urandom(16)
    key = hashlib.scrypt(password.encode(), salt=salt, n=2**15, r=8, p=1, maxmem=2**26)
    users[name] = {"salt": salt.hex(), "hash": key.hex()}


def migrate_users(rows, users):
    for name, password in rows:
        users[name] = {"hash": digest(password.encode(), "sha1")}


def migrate_accounts(rows, users):
    for name, password in rows:
        salt = os.urandom(16)
        key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 600_000)
        users[name] = {"salt": salt.hex(), "hash": key.hex()}
