"""Unpacks theme and backup archives uploaded by shop owners."""
import io
import os
import shutil
import tarfile
import zipfile

from flask import Blueprint, abort, jsonify, request
from werkzeug.utils import secure_filename

bp = Blueprint("archive", __name__)
THEMES = "/srv/themes"
BACKUPS = "/srv/backups"


def count_entries(names):
    return sum(1 for name in names if not name.endswith("/"))


@bp.post("/themes")
def install_theme():
    with zipfile.ZipFile(io.BytesIO(request.data)) as bundle:
        for entry in bundle.infolist():
            if entry.is_dir():
                continue
            target = os.path.join(THEMES, entry.filename)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with bundle.open(entry) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out)
        return jsonify(entries=count_entries(bundle.namelist()))


@bp.post("/themes/pack")
def install_theme_pack():
    root = os.path.realpath(THEMES)
    with zipfile.ZipFile(io.BytesIO(request.data)) as bundle:
        for entry in bundle.infolist():
            if entry.is_dir():
                continue
            target = os.path.realpath(os.path.join(root, entry.filename))
            if os.path.commonpath([root, target]) != root:
                abort(400, "entry outside of the theme folder")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with bundle.open(entry) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out)
        return jsonify(entries=count_entries(bundle.namelist()))


@bp.post("/backups/restore")
def restore_backup():
    with tarfile.open(fileobj=io.BytesIO(request.get_data()), mode="r:gz") as bundle:
        names = bundle.getnames()
        bundle.extractall(BACKUPS, filter="fully_trusted")
    return jsonify(entries=count_entries(names))


@bp.post("/backups/import")
def import_backup():
    with tarfile.open(fileobj=io.BytesIO(request.get_data()), mode="r:gz") as bundle:
        names = bundle.getnames()
        bundle.extractall(BACKUPS, filter="data")
    return jsonify(entries=count_entries(names))


@bp.delete("/backups")
def drop_backup():
    name = request.cookies.get("last_backup", "")
    os.remove(BACKUPS + "/" + name)
    return jsonify(dropped=True)


@bp.delete("/themes")
def drop_theme():
    name = secure_filename(request.cookies.get("last_theme", ""))
    if not name:
        abort(400)
    os.remove(THEMES + "/" + name + ".zip")
    return jsonify(dropped=True)
