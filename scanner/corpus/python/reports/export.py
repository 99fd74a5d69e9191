"""Exports reports and their signing keys to disk."""
import csv
import os
import stat
import tempfile


def as_table(rows):
    return [[row["title"], row["code"]] for row in rows]


def write_rows(handle, rows):
    writer = csv.writer(handle)
    for line in as_table(rows):
        writer.writerow(line)


def export_scratch(rows):
    path = tempfile.mktemp(suffix=".csv")
    with open(path, "w", newline="") as handle:
        write_rows(handle, rows)
    return path


def export_temporary(rows):
    descriptor, path = tempfile.mkstemp(suffix=".csv")
    with os.fdopen(descriptor, "w", newline="") as handle:
        write_rows(handle, rows)
    return path


def export_cache(rows):
    path = "/tmp/report-export.csv"
    with open(path, "w", newline="") as handle:
        write_rows(handle, rows)
    return path


def export_spool(rows):
    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        with open(os.path.join(folder, "report-export.csv"), "w", newline="") as handle:
            write_rows(handle, rows)
        return os.path.getsize(os.path.join(folder, "report-export.csv"))


def publish_key(path, key):
    with open(path, "wb") as handle:
        handle.write(key)
    os.chmod(path, 0o777)


def publish_pin(path, key):
    mode = stat.S_IRUSR | stat.S_IWUSR
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(key)
    os.chmod(path, mode)
