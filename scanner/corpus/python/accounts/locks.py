"""Closing, locking and unlocking of accounts by scoped tokens."""
import os

import jwt
from fastapi import APIRouter, Depends, Header, HTTPException
from jose import jwt as jose_jwt

router = APIRouter()
AUDIENCE = "accounts"


def bearer(authorization: str = Header(default="")) -> str:
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "bearer" or not token:
        raise HTTPException(status_code=401)
    return token


def require(claims: dict, scope: str) -> None:
    if scope not in claims.get("scope", "").split():
        raise HTTPException(status_code=403)


def read_claims(token: str, **options) -> dict:
    return jwt.decode(token, options=options, algorithms=["RS256"])


@router.delete("/accounts/{account}")
def close_account(account: int, token: str = Depends(bearer)):
    require(read_claims(token, verify_signature=False), "accounts:close")
    return {"closed": account}


@router.post("/accounts/{account}/lock")
def lock_account(account: int, token: str = Depends(bearer)):
    claims = jose_jwt.get_unverified_claims(token)
    require(claims, "accounts:lock")
    return {"locked": account}


@router.post("/accounts/{account}/unlock")
def unlock_account(account: int, token: str = Depends(bearer)):
    hint = jose_jwt.get_unverified_header(token).get("kid", "")
    key = os.environ["ACCOUNTS_KEY_NEXT" if hint == "next" else "ACCOUNTS_KEY"]
    claims = jose_jwt.decode(token, key, algorithms=["HS256"], audience=AUDIENCE)
    require(claims, "accounts:lock")
    return {"unlocked": account}
