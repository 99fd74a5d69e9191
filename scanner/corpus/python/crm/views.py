"""Customer pages of the CRM (Django)."""
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.views import View

from crm.models import Customer, Note


def full_name(customer):
    return " ".join(part for part in (customer.first_name, customer.last_name) if part)


@login_required
def customer_report(request):
    region = request.GET.get("region", "")
    customers = Customer.objects.raw(
        "SELECT * FROM crm_customer WHERE region = '%s' ORDER BY last_name" % region
    )
    return JsonResponse({"names": [full_name(c) for c in customers]})


@login_required
def customer_totals(request):
    region = request.GET.get("region", "")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), sum(balance) FROM crm_customer WHERE region = %s",
            [region],
        )
        count, balance = cursor.fetchone()
    return JsonResponse({"count": count, "balance": balance})


@login_required
def customer_badge(request, pk):
    customer = get_object_or_404(Customer, pk=pk)
    title = request.GET.get("title", "Customer")
    badge = mark_safe("<span class='badge'>" + title + "</span>")
    return render(request, "crm/badge.html", {"badge": badge, "customer": customer})


@login_required
def customer_card(request, pk):
    customer = get_object_or_404(Customer, pk=pk)
    title = request.GET.get("title", "Customer")
    badge = format_html("<span class='badge'>{}</span>", title)
    return render(request, "crm/badge.html", {"badge": badge, "customer": customer})


class NoteDone(View):
    """Marks a note as handled and goes back to where the user came from."""

    def post(self, request, pk):
        note = get_object_or_404(Note, pk=pk, owner=request.user)
        note.done = True
        note.save(update_fields=["done"])
        target = request.POST.get("back") or "/crm/notes/"
        return HttpResponseRedirect(target)


class NoteReopen(View):
    def post(self, request, pk):
        note = get_object_or_404(Note, pk=pk, owner=request.user)
        note.done = False
        note.save(update_fields=["done"])
        target = request.POST.get("back") or "/crm/notes/"
        if not url_has_allowed_host_and_scheme(
            target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        ):
            target = "/crm/notes/"
        return HttpResponseRedirect(target)


def health(request):
    return HttpResponse("ok", content_type="text/plain")
