kept = []
while True:
    kept.append(b"x" * (8 * 1024 * 1024))
