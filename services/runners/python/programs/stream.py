import time

for tick in range(1, 6):
    if tick > 1:
        time.sleep(0.1)
    print(f"tick {tick}", flush=True)
