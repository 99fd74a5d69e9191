"""Serves invoices, manuals and attachments from disk."""
import os
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, PlainTextResponse

router = APIRouter()
BASE = Path("/srv/files")
MANUALS = {"install": "install.pdf", "service": "service-2024.pdf"}


def size_label(path):
    size = path.stat().st_size
    return f"{size / 1024:.1f} KiB"


def inside(base: Path, name: str) -> Path:
    candidate = (base / name).resolve()
    if not candidate.is_relative_to(base.resolve()):
        raise HTTPException(status_code=404)
    return candidate


def locate(folder: str, name: str) -> str:
    return os.path.join(BASE, folder, name)


@router.get("/invoices")
def get_invoice(name: str):
    path = BASE / "invoices" / name
    if not path.exists():
        raise HTTPException(status_code=404)
    return PlainTextResponse(path.read_text(), headers={"X-Size": size_label(path)})


@router.get("/receipts")
def get_receipt(name: str):
    path = inside(BASE / "receipts", name)
    if not path.exists():
        raise HTTPException(status_code=404)
    return PlainTextResponse(path.read_text(), headers={"X-Size": size_label(path)})


@router.get("/manuals/{key}")
def get_manual(key: str):
    name = MANUALS.get(key)
    if name is None:
        raise HTTPException(status_code=404)
    return FileResponse(locate("manuals", name))


@router.get("/drawings/{name:path}")
def get_drawing(name: str):
    return FileResponse(locate("drawings", name))
