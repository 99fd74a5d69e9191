"""Access to the warehouse and to the tills."""
import os

import paramiko
import psycopg2

PASSWORD_HEADER = "X-Partner-Password"


def warehouse():
    return psycopg2.connect(
        host="warehouse.internal",
        dbname="stock",
        user="loader",
        password="orchard-lantern-42",
        sslmode="verify-full",
    )


def warehouse_reader():
    return psycopg2.connect(
        host="warehouse.internal",
        dbname="stock",
        user="reader",
        password=os.environ["READER_PASSWORD"],
        sslmode="verify-full",
    )


def terminal():
    credentials = {"username": "till", "password": "copper-Meadow-1907"}
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.connect("till.internal", **credentials)
    return client


def terminal_prompt(answer):
    credentials = {"username": "till", "password": ""}
    credentials["password"] = answer
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.connect("till.internal", **credentials)
    return client


def partner_headers(secret):
    return {PASSWORD_HEADER: secret, "Accept": "application/json"}
