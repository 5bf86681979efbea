import decimal
import hashlib
import json
import re
import sqlite3
import tempfile
import zoneinfo

with tempfile.TemporaryFile() as file, sqlite3.connect(":memory:") as db:
    file.write(b"x")
    rows = db.execute("select 1 + 1").fetchall()
print(json.dumps(rows), decimal.Decimal("0.1") + 2, hashlib.sha256(b"").hexdigest()[:8], re.sub("a", "b", "aa"))
