from pathlib import Path

Path("out/result.txt").write_text(Path("data.txt").read_text().upper())
