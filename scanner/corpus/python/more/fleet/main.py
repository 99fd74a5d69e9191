"""HTTP interface of the fleet service."""
import asyncio
import base64
import os
import re
import shlex
import subprocess
import tempfile
import zipfile
from enum import Enum
from pathlib import Path
from typing import Annotated, Optional

import httpx
import requests
import yaml
from fastapi import Body, Cookie, Depends, FastAPI, Header, HTTPException, Query, Request, UploadFile
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from .deps import get_session, report_name
from .models import Truck

app = FastAPI()
REPORTS = Path("/srv/fleet/reports")
MAPS = {"eu": "https://maps-eu.example.com", "us": "https://maps-us.example.com"}


class Column(str, Enum):
    plate = "plate"
    mileage = "mileage"


class TruckQuery(BaseModel):
    plate: str
    depot: int = 1
    order: str = Field("plate", pattern=r"^(plate|mileage)$")
    note: Optional[str] = None


@app.post("/trucks/search")
def search(query: TruckQuery, session: Session = Depends(get_session)):
    sql = text(f"SELECT * FROM truck WHERE depot = {query.depot} AND plate = '{query.plate}'")
    return session.execute(sql).mappings().all()


@app.post("/trucks/find")
def find(query: TruckQuery, session: Session = Depends(get_session)):
    sql = text(f"SELECT * FROM truck WHERE depot = {query.depot} AND plate = :plate ORDER BY {query.order}")
    return session.execute(sql, {"plate": query.plate}).mappings().all()


@app.get("/trucks")
def trucks(by: str = Query("plate", max_length=60), session: Session = Depends(get_session)):
    return session.scalars(select(Truck).order_by(text(by))).all()


@app.get("/trucks/sorted")
def sorted_trucks(by: Column = Column.plate, session: Session = Depends(get_session)):
    return session.scalars(select(Truck).order_by(text(by.value))).all()


@app.get("/reports")
def report(name: str = Depends(report_name)):
    return FileResponse(REPORTS / name)


@app.get("/reports/{name:path}")
def report_file(name: str):
    path = (REPORTS / name).resolve()
    if not path.is_relative_to(REPORTS):
        raise HTTPException(404)
    return FileResponse(path)


@app.post("/maps")
async def upload_maps(bundle: UploadFile):
    with zipfile.ZipFile(bundle.file) as z:
        for info in z.infolist():
            if info.is_dir():
                continue
            target = os.path.join("/srv/fleet/maps", info.filename)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as out:
                out.write(z.read(info))
    return {"ok": True}


@app.post("/tiles")
async def upload_tiles(bundle: UploadFile):
    with zipfile.ZipFile(bundle.file) as z:
        for info in z.infolist():
            if info.is_dir():
                continue
            target = os.path.join("/srv/fleet/maps", os.path.basename(info.filename))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as out:
                out.write(z.read(info))
    return {"ok": True}


@app.get("/ping/{host}")
def ping(host: str):
    line = 'ping -c 1 "%s"' % shlex.quote(host)
    return subprocess.run(line, shell=True, capture_output=True, text=True).stdout


@app.get("/trace/{host}")
def trace(host: str):
    line = "traceroute -- %s" % shlex.quote(host)
    return subprocess.run(line, shell=True, capture_output=True, text=True).stdout


@app.post("/announce")
async def announce(x_channel: Annotated[str, Header()], message: str = Body(...)):
    proc = await asyncio.create_subprocess_shell(
        "wall -g " + x_channel, stdin=asyncio.subprocess.PIPE)
    await proc.communicate(message.encode())
    return {"code": proc.returncode}


@app.post("/broadcast")
async def broadcast(x_channel: Annotated[str, Header()], message: str = Body(...)):
    proc = await asyncio.create_subprocess_exec(
        "wall", "-g", x_channel, stdin=asyncio.subprocess.PIPE)
    await proc.communicate(message.encode())
    return {"code": proc.returncode}


@app.get("/map")
async def fetch_map(url: str):
    if not url.startswith(MAPS["eu"]):
        raise HTTPException(400)
    async with httpx.AsyncClient() as client:
        return (await client.get(url)).text


@app.get("/map/{region}")
async def fetch_region(region: str):
    url = MAPS.get(region)
    if url is None:
        raise HTTPException(404)
    async with httpx.AsyncClient() as client:
        return (await client.get(url)).text


@app.post("/plan")
async def plan(request: Request):
    document = yaml.load(await request.body(), Loader=yaml.UnsafeLoader)
    return {"stops": len(document.get("stops", []))}


@app.post("/route")
async def route(request: Request):
    document = yaml.load(await request.body(), Loader=yaml.SafeLoader)
    return {"stops": len(document.get("stops", []))}


@app.post("/formula")
def formula(expression: Annotated[str, Body(embed=True)]):
    return eval(expression, {"__builtins__": {}}, {"km": 12.0})


@app.post("/expression")
def expression(formula: Annotated[str, Body(embed=True)]):
    if not re.fullmatch(r"(?:km|[0-9.+\-/() ]){1,60}", formula):
        raise HTTPException(400)
    return eval(formula, {"__builtins__": {}}, {"km": 12.0})


def upload_position(url, body):
    return requests.post(url, json=body, timeout=5, verify=False).status_code


def upload_status(url, body):
    return requests.post(url, json=body, timeout=5, verify="/etc/fleet/ca.pem").status_code


def spool(data):
    name = tempfile.mktemp(suffix=".fleet")
    with open(name, "wb") as out:
        out.write(data)
    return name


def scratch(data):
    handle, name = tempfile.mkstemp(suffix=".fleet")
    with os.fdopen(handle, "wb") as out:
        out.write(data)
    return name


def reader_api(application):
    application.add_middleware(
        CORSMiddleware, allow_origin_regex=".*", allow_credentials=True, allow_methods=["*"])


def partner_api(application):
    application.add_middleware(
        CORSMiddleware, allow_origins=["https://fleet.example.com"], allow_credentials=True, allow_methods=["*"])
