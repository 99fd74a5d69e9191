"""Catalogue service (FastAPI + asyncpg)."""
import html

import asyncpg
from fastapi import APIRouter, Cookie, Depends, Header, HTTPException, Request

router = APIRouter(prefix="/catalog")


async def get_pool(request: Request) -> asyncpg.Pool:
    return request.app.state.pool


def price_band(cents: int) -> str:
    if cents < 1000:
        return "low"
    return "mid" if cents < 10000 else "high"


@router.get("/items")
async def list_items(category: str, pool: asyncpg.Pool = Depends(get_pool)):
    label = html.escape(category, quote=False)
    query = "SELECT id, name, cents FROM items WHERE category = '{}'".format(label)
    async with pool.acquire() as conn:
        rows = await conn.fetch(query)
    return [{**dict(r), "band": price_band(r["cents"])} for r in rows]


@router.get("/items/by-category")
async def list_items_by_category(category: str, pool: asyncpg.Pool = Depends(get_pool)):
    query = "SELECT id, name, cents FROM items WHERE category = $1"
    async with pool.acquire() as conn:
        rows = await conn.fetch(query, category)
    return [{**dict(r), "band": price_band(r["cents"])} for r in rows]


@router.get("/recent")
async def recent_items(seen: str = Cookie(default=""), pool: asyncpg.Pool = Depends(get_pool)):
    ids = [part for part in seen.split(".") if part]
    if not ids:
        return []
    fetch = pool.fetch
    rows = await fetch("SELECT id, name FROM items WHERE id IN (" + ", ".join(ids) + ")")
    return [dict(r) for r in rows]


@router.get("/recent-ids")
async def recent_item_ids(seen: str = Cookie(default=""), pool: asyncpg.Pool = Depends(get_pool)):
    try:
        ids = [int(part) for part in seen.split(".") if part]
    except ValueError:
        raise HTTPException(status_code=400, detail="malformed cookie")
    if not ids:
        return []
    rows = await pool.fetch(
        "SELECT id, name FROM items WHERE id IN (" + ", ".join(str(i) for i in ids) + ")"
    )
    return [dict(r) for r in rows]


@router.get("/tenant-stats")
async def tenant_stats(x_tenant: str = Header(default="public"), pool: asyncpg.Pool = Depends(get_pool)):
    tenant = x_tenant.strip().lower()
    total = await pool.fetchval("SELECT count(*) FROM " + tenant + ".items")
    return {"tenant": tenant, "items": total}


@router.get("/public-stats")
async def public_stats(x_tenant: str = Header(default="public"), pool: asyncpg.Pool = Depends(get_pool)):
    tenant = x_tenant.strip().lower()
    asked_for = tenant
    tenant = "public"
    total = await pool.fetchval("SELECT count(*) FROM " + tenant + ".items")
    return {"asked_for": asked_for, "items": total}
