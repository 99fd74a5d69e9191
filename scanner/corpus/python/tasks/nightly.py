"""Celery tasks; their arguments come from forms that customers fill in."""
import os
import re
import subprocess

import django.db
from celery import shared_task

PERIOD = re.compile(r"[0-9]{4}-[0-9]{2}")
EXPORTS = "/srv/exports"
USE_OLD_TABLE = False


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "unnamed"


def table_for(period):
    return "sales_" + period.replace("-", "_")


@shared_task
def send_statement(customer, period):
    if not PERIOD.match(period):
        raise ValueError("period")
    subprocess.run("statement --period " + period + " | lpr -P office", shell=True, check=True)
    return customer


@shared_task
def send_reminder(customer, period):
    if not PERIOD.fullmatch(period):
        raise ValueError("period")
    subprocess.run("reminder --period " + period + " | lpr -P office", shell=True, check=True)
    return customer


@shared_task
def sum_sales(period):
    with django.db.connection.cursor() as cursor:
        cursor.execute("SELECT sum(cents) FROM " + table_for(period))
        return cursor.fetchone()[0]


@shared_task
def count_sales(period):
    with django.db.connection.cursor() as cursor:
        if USE_OLD_TABLE:
            cursor.execute("SELECT count(*) FROM " + table_for(period))
        else:
            cursor.execute("SELECT count(*) FROM sales WHERE period = %s", [period])
        return cursor.fetchone()[0]


@shared_task
def write_export(title, text):
    steps = [EXPORTS, title + ".txt"]
    with open(os.path.join(*steps), "w", encoding="utf-8") as out:
        out.write(text)


@shared_task
def write_summary(title, text):
    steps = [EXPORTS, slug(title) + ".txt"]
    with open(os.path.join(*steps), "w", encoding="utf-8") as out:
        out.write(title + "\n" + text)
