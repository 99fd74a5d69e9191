"""Transfers between accounts and the bank's call-backs."""
import hashlib
import hmac
import os

from django.http import HttpResponseForbidden, JsonResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from flask import request

from webapp.models import Transfer


@csrf_exempt
def transfer(request):
    if not request.user.is_authenticated or request.method != "POST":
        return HttpResponseForbidden()
    entry = Transfer.objects.create(
        sender=request.user, receiver_id=int(request.POST["to"]), cents=int(request.POST["cents"])
    )
    return JsonResponse({"id": entry.pk})


@csrf_protect
def transfer_form(request):
    if not request.user.is_authenticated or request.method != "POST":
        return HttpResponseForbidden()
    entry = Transfer.objects.create(
        sender=request.user, receiver_id=int(request.POST["to"]), cents=int(request.POST["cents"])
    )
    return JsonResponse({"id": entry.pk})


@csrf_exempt
def bank_callback(request):
    seal = hmac.new(os.environ["BANK_KEY"].encode(), request.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(seal, request.headers.get("X-Bank-Seal", "")):
        return HttpResponseForbidden()
    return JsonResponse({"received": True})
