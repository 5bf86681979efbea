# Press Run, or Ctrl+Enter.
import time

for name in ("Ada", "Grace", "Margaret"):
    print(f"Hello, {name}!")
    time.sleep(0.3)
