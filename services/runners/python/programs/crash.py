print("before")
raise RuntimeError("on purpose")
