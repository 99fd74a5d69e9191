from fastapi import Query
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

Local = sessionmaker(bind=create_engine("postgresql:///fleet"))


def get_session():
    session = Local()
    try:
        yield session
    finally:
        session.close()


def report_name(name: str = Query(...), kind: str = Query("pdf", pattern="^(pdf|csv)$")) -> str:
    return f"{name}.{kind}"
