"""Avatars, portraits and attachments."""
import os
import uuid
from pathlib import Path

from fastapi import APIRouter, UploadFile
from fastapi.responses import FileResponse

router = APIRouter()
BASE = Path("/srv/files")


def locate(folder: str, name: str) -> str:
    return os.path.join(BASE, folder, name)


@router.get("/attachments/{key}")
def get_attachment(key: uuid.UUID):
    return FileResponse(locate("attachments", f"{key}.bin"))


@router.post("/avatars")
async def put_avatar(upload: UploadFile):
    target = os.path.join(BASE, "avatars", upload.filename)
    with open(target, "wb") as out:
        while chunk := await upload.read(65536):
            out.write(chunk)
    return {"stored": True}


@router.post("/portraits")
async def put_portrait(upload: UploadFile):
    shown_name = upload.filename
    target = os.path.join(BASE, "portraits", uuid.uuid4().hex)
    with open(target, "wb") as out:
        while chunk := await upload.read(65536):
            out.write(chunk)
    return {"stored": True, "name": shown_name}
