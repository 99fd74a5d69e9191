"""Runs model-drafted analysis steps over a sales table."""
import os
import shlex

import anthropic
import pandas as pd

client = anthropic.Anthropic()
COLUMNS = ("region", "product", "units", "revenue")


def draft(prompt: str) -> str:
    message = client.messages.create(
        model="claude-sonnet-4-5", max_tokens=400, messages=[{"role": "user", "content": prompt}]
    )
    return "".join(block.text for block in message.content if block.type == "text")


def load(path: str) -> pd.DataFrame:
    return pd.read_csv(path, usecols=list(COLUMNS))


def derive_column(frame: pd.DataFrame, wish: str) -> pd.DataFrame:
    code = draft("Write a lambda over a row (named row) for: " + wish)
    steps = {"wish": wish, "code": code}
    function = eval(steps["code"])
    frame["derived"] = frame.apply(function, axis=1)
    return frame


def group_by_wish(frame: pd.DataFrame, wish: str) -> pd.DataFrame:
    column = draft("Which one of " + ", ".join(COLUMNS) + "? " + wish).strip()
    if column not in COLUMNS:
        raise ValueError("the model named no known column")
    return frame.groupby(column)["revenue"].sum().reset_index()


def archive_report(path: str, wish: str) -> int:
    title = draft("A short title for a report about: " + wish).strip()
    return os.system(f"zip -j /srv/reports/\"{title}\".zip {shlex.quote(path)}")


def archive_summary(path: str, wish: str) -> int:
    title = draft("A short title for a report about: " + wish).strip()
    slug = "".join(c for c in title.lower() if c in "abcdefghijklmnopqrstuvwxyz0123456789-")
    return os.system(f"zip -j /srv/reports/report-{slug}.zip {shlex.quote(path)}")
