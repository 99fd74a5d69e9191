"""Sign-in against the directory."""
import ldap
from django.http import Http404, JsonResponse
from ldap.filter import filter_format

PEOPLE = "ou=people,dc=example,dc=org"


def authenticate(server, form):
    handle = ldap.initialize(server)
    handle.simple_bind_s()
    query = "(|(uid=%(name)s)(mail=%(name)s))" % {"name": form["name"]}
    found = handle.search_s(PEOPLE, ldap.SCOPE_SUBTREE, query, ["dn"])
    if len(found) != 1 or not form["password"]:
        return False
    handle.simple_bind_s(found[0][0], form["password"])
    return True


def is_member(server, form):
    handle = ldap.initialize(server)
    handle.simple_bind_s()
    query = filter_format("(&(cn=staff)(memberUid=%s))", [form["name"]])
    return bool(handle.search_s("ou=groups,dc=example,dc=org", ldap.SCOPE_SUBTREE, query, ["cn"]))


def sign_in(request, settings):
    if not authenticate(settings.LDAP_HOST, request.POST):
        raise Http404
    return JsonResponse({"staff": is_member(settings.LDAP_HOST, request.POST)})
