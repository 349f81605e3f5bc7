"""COPY of 100 MB both ways, with checksums."""
from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

from connections import Connect
from psycopg import rows

ROWS = 10_000
ROW = 10_000  # characters
TOTAL_SQL = "select encode(sha256(string_agg(sha256(convert_to(line, 'UTF8')), ''::bytea order by n)), 'hex') from bulk"


def lines() -> Iterator[str]:
    """The same every time, and no two alike."""
    source = random.Random("bulk")
    return (source.randbytes(ROW // 2).hex() for _ in range(ROWS))


def test_a_hundred_megabytes_both_ways(open_connection: Connect) -> None:
    connection = open_connection(row_factory=rows.scalar_row)
    connection.execute("create temporary table bulk (n int, line text)")
    whole, digests = hashlib.sha256(), hashlib.sha256()
    with connection.cursor() as cursor, cursor.copy("copy bulk from stdin") as copy:
        for n, line in enumerate(lines()):
            digests.update(hashlib.sha256(line.encode()).digest())
            whole.update(f"{n}\t{line}\n".encode())
            copy.write(f"{n}\t{line}\n")
    assert connection.execute("select sum(length(line)) from bulk").fetchone() == ROWS * ROW
    assert connection.execute(TOTAL_SQL).fetchone() == digests.hexdigest()
    back = hashlib.sha256()
    with connection.cursor() as cursor, cursor.copy("copy (select * from bulk order by n) to stdout") as copy:
        for data in copy:
            back.update(data)
    assert back.hexdigest() == whole.hexdigest()
