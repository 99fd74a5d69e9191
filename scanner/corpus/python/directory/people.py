"""Staff directory on top of LDAP."""
import re

from django.http import Http404, JsonResponse
from django.views.decorators.http import require_GET
from ldap.filter import escape_filter_chars
from ldap3 import SUBTREE, Connection

PEOPLE = "ou=people,dc=example,dc=org"
LOGIN = re.compile(r"[a-z][a-z0-9]{1,15}")


def bind(settings):
    return Connection(settings.LDAP_HOST, settings.LDAP_USER, settings.LDAP_SECRET, auto_bind=True)


def mails(entries):
    return [str(entry.mail) for entry in entries]


def lookup(conn, condition):
    conn.search(PEOPLE, "(&(objectClass=person)" + condition + ")", SUBTREE, attributes=["mail"])
    return mails(conn.entries)


@require_GET
def person(request, conn):
    login = request.GET.get("login", "")
    conn.search(PEOPLE, f"(&(objectClass=person)(uid={login}))", attributes=["mail"])
    return JsonResponse({"mail": mails(conn.entries)})


@require_GET
def person_card(request, conn):
    login = escape_filter_chars(request.GET.get("login", ""))
    conn.search(PEOPLE, f"(&(objectClass=person)(uid={login}))", attributes=["mail"])
    return JsonResponse({"mail": mails(conn.entries)})


@require_GET
def department(request, conn):
    name = request.headers.get("X-Department", "*")
    return JsonResponse({"mail": lookup(conn, "(departmentNumber=" + name + ")")})


@require_GET
def colleagues(request, conn):
    login = request.GET.get("login", "")
    if LOGIN.fullmatch(login) is None:
        raise Http404
    return JsonResponse({"mail": lookup(conn, "(manager=uid=" + login + "," + PEOPLE + ")")})
