"""Editing of accounts."""
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.views.decorators.http import require_POST
from flask import Blueprint, jsonify, request
from pydantic import BaseModel, ConfigDict

from accounts.models import Account, Membership, db

bp = Blueprint("profile", __name__)
EDITABLE = ("nick", "city", "language")


class ProfileChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    nick: str
    city: str = ""


def shown(account):
    return {name: getattr(account, name) for name in EDITABLE}


@bp.patch("/account/<int:key>")
def change_account(key):
    account = db.session.get(Account, key)
    for name, value in request.get_json().items():
        setattr(account, name, value)
    db.session.commit()
    return jsonify(shown(account))


@bp.patch("/account/<int:key>/profile")
def change_profile(key):
    account = db.session.get(Account, key)
    for name, value in request.get_json().items():
        if name in EDITABLE:
            setattr(account, name, value)
    db.session.commit()
    return jsonify(shown(account))


@bp.post("/account")
def create_account():
    account = Account(**request.get_json())
    db.session.add(account)
    db.session.commit()
    return jsonify(shown(account)), 201


@bp.post("/account/simple")
def create_simple_account():
    change = ProfileChange.model_validate(request.get_json())
    account = Account(**change.model_dump(), is_admin=False)
    db.session.add(account)
    db.session.commit()
    return jsonify(shown(account)), 201


@login_required
@require_POST
def join_team(request):
    fields = request.POST.dict()
    fields.pop("csrfmiddlewaretoken", None)
    membership = Membership.objects.create(user=request.user, **fields)
    return JsonResponse({"id": membership.pk})


@login_required
@require_POST
def leave_team(request):
    fields = request.POST.dict()
    removed, _ = Membership.objects.filter(user=request.user, team=int(fields["team"])).delete()
    return JsonResponse({"removed": removed})
