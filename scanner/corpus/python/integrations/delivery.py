"""Labels, returns and balances."""
import httpx
import requests

PARTNER_CA = "/etc/ssl/partners/ca.pem"


def fetch(address, **options):
    options.setdefault("timeout", 10)
    return requests.get(address, **options)


def partner_labels():
    return fetch("https://labels.partner.example/today", verify=False).content


def partner_returns():
    return fetch("https://labels.partner.example/returns", verify=True).content


async def partner_balance():
    tls = {"verify": True}
    tls["verify"] = False
    async with httpx.AsyncClient(**tls) as http:
        return (await http.get("https://bank.partner.example/balance")).json()


async def partner_limits():
    tls = {"verify": False}
    tls["verify"] = PARTNER_CA
    async with httpx.AsyncClient(**tls) as http:
        return (await http.get("https://bank.partner.example/limits")).json()
