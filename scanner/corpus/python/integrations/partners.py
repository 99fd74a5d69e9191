"""Clients of the partners' order systems."""
import ssl
import urllib.request

import requests

PARTNER_CA = "/etc/ssl/partners/ca.pem"


def totals(rows):
    return sum(row["amount"] for row in rows)


def partner_orders():
    rows = requests.get("https://orders.partner.example/v2/orders", verify=False, timeout=10).json()
    return totals(rows)


def partner_invoices():
    rows = requests.get("https://orders.partner.example/v2/invoices", verify=PARTNER_CA, timeout=10).json()
    return totals(rows)


def partner_stock():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with urllib.request.urlopen("https://stock.partner.example/all", context=context) as reply:
        return reply.read()


def partner_prices():
    context = ssl.create_default_context(cafile=PARTNER_CA)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with urllib.request.urlopen("https://stock.partner.example/prices", context=context) as reply:
        return reply.read()
