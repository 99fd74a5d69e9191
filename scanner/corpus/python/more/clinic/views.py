import hashlib
import logging
import pickle
import subprocess
import xml.sax

from django.contrib.auth.decorators import login_required
from django.core import signing
from django.db import connection
from django.db.models import Q
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import escape, format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from .forms import AppointmentForm, PatientForm
from .models import Appointment, Patient

log = logging.getLogger(__name__)


class PatientList(View):
    template_name = "clinic/patients.html"

    def get(self, request):
        term = request.GET.get("q", "")
        patients = Patient.objects.raw(
            "SELECT * FROM clinic_patient WHERE surname LIKE '%%%s%%'" % term)
        return render(request, self.template_name, {"patients": patients})

    def post(self, request):
        term = request.POST.get("q", "")
        patients = Patient.objects.raw(
            "SELECT * FROM clinic_patient WHERE surname LIKE %s", ["%" + term + "%"])
        return render(request, self.template_name, {"patients": patients})


class AppointmentSearch(View):
    def get(self, request, ward):
        day = request.GET["day"]
        found = Appointment.objects.filter(ward_id=ward).extra(where=["day = '" + day + "'"])
        return JsonResponse({"count": found.count()})

    def post(self, request, ward):
        day = request.POST["day"]
        found = Appointment.objects.filter(ward_id=ward).extra(where=["day = %s"], params=[day])
        return JsonResponse({"count": found.count()})

    def put(self, request, ward):
        form = AppointmentForm(request.POST)
        if not form.is_valid():
            return JsonResponse(form.errors, status=400)
        room = form.cleaned_data["room"]
        found = Appointment.objects.extra(where=["room = %d" % room])
        return JsonResponse({"count": found.count()})


@login_required
def by_reason(request):
    form = AppointmentForm(request.GET)
    if not form.is_valid():
        return JsonResponse(form.errors, status=400)
    reason = form.cleaned_data["reason"]
    run = connection.cursor().execute
    run("SELECT count(*) FROM clinic_appointment WHERE reason = '{}'".format(reason))
    return HttpResponse(status=204)


@login_required
def banner(request):
    text = request.GET.get("text", "")
    return render(request, "clinic/banner.html", {"banner": mark_safe("<b>%s</b>" % text)})


@login_required
def ribbon(request):
    text = request.GET.get("text", "")
    return render(request, "clinic/banner.html", {"banner": format_html("<b>{}</b>", text)})


@require_POST
def rename(request, pk):
    patient = get_object_or_404(Patient, pk=pk)
    name = request.POST.get("name", "")
    if len(name) > 80:
        return HttpResponse("<p>Too long: " + name[:80] + "</p>", status=400)
    patient.surname = name
    patient.save(update_fields=["surname"])
    return redirect("patients")


@require_POST
def relabel(request, pk):
    patient = get_object_or_404(Patient, pk=pk)
    name = request.POST.get("name", "")
    if len(name) > 80:
        return HttpResponse("<p>Too long: " + escape(name[:80]) + "</p>", status=400)
    patient.surname = name
    patient.save(update_fields=["surname"])
    return redirect("patients")


@csrf_exempt
@login_required
@require_POST
def cancel(request, pk):
    Appointment.objects.filter(pk=pk, patient__user=request.user).update(cancelled=True)
    return redirect("appointments")


@login_required
@require_POST
def confirm(request, pk):
    Appointment.objects.filter(pk=pk, patient__user=request.user).update(confirmed=True)
    return redirect("appointments")


def leave(request):
    target = request.GET.get("next") or request.META.get("HTTP_REFERER", "/")
    return HttpResponseRedirect(target)


def enter(request):
    target = request.GET.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=True):
        target = "/"
    return HttpResponseRedirect(target)


def restore_filter(request):
    raw = bytes.fromhex(request.COOKIES.get("filter", ""))
    request.session["filter_size"] = len(pickle.loads(raw)) if raw else 0
    return redirect("patients")


def reload_filter(request):
    raw = request.COOKIES.get("filter", "")
    request.session["filter_size"] = len(signing.loads(raw)) if raw else 0
    return redirect("patients")


@require_POST
@login_required
def update_patient(request, pk):
    patient = get_object_or_404(Patient, pk=pk, user=request.user)
    for key, value in request.POST.items():
        setattr(patient, key, value)
    patient.save()
    return redirect("patients")


@require_POST
@login_required
def edit_patient(request, pk):
    patient = get_object_or_404(Patient, pk=pk, user=request.user)
    for key, value in request.POST.items():
        if key in ("surname", "phone", "street"):
            setattr(patient, key, value)
    patient.save()
    return redirect("patients")


def audit(request):
    from urllib.parse import unquote
    log.warning("report for %s", unquote(request.META.get("HTTP_X_USER", "")))
    return HttpResponse(status=204)


def trail(request):
    from urllib.parse import unquote
    log.warning("report for %r", unquote(request.META.get("HTTP_X_USER", "")))
    return HttpResponse(status=204)
