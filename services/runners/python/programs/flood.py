while True:
    print("x" * 63)
