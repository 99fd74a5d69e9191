"""Queries of the shop that several pages share."""


def matching(conn, criteria):
    parts = []
    for key, value in criteria.items():
        if value == "any":
            continue
        parts.append("%s = '%s'" % (key, value))
    where = " AND ".join(parts) or "1 = 1"
    return conn.execute("SELECT id, title FROM item WHERE " + where).fetchall()


def selecting(conn, criteria):
    parts, values = [], []
    for key, value in criteria.items():
        if value == "any":
            continue
        parts.append("%s = ?" % key)
        values.append(value)
    where = " AND ".join(parts) or "1 = 1"
    return conn.execute("SELECT id, title FROM item WHERE " + where, values).fetchall()


def restock(conn, item, quantity):
    conn.execute("UPDATE item SET quantity = quantity + ? WHERE id = ?", (quantity, item))
    conn.commit()
