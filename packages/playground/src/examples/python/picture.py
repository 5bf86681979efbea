# Draws the Mandelbrot set with nothing but the standard library.
# What a program writes into the folder "out" comes back.
import os
import struct
import zlib

WIDTH, HEIGHT, STEPS = 480, 320, 60


def shade(x, y):
    c = complex(-2.2 + 3.2 * x / WIDTH, -1.07 + 2.14 * y / HEIGHT)
    z = 0j
    for step in range(STEPS):
        z = z * z + c
        if abs(z) > 2:
            t = step / STEPS
            return bytes((int(40 + 215 * t), int(70 + 180 * t ** 0.5), int(110 - 60 * t)))
    return b"\x0b\x14\x12"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


rows = []
for y in range(HEIGHT):
    rows.append(b"\0" + b"".join(shade(x, y) for x in range(WIDTH)))
    if y % 80 == 79:
        print(f"{100 * (y + 1) // HEIGHT} %")

os.makedirs("out", exist_ok=True)
with open("out/mandelbrot.png", "wb") as file:
    file.write(b"\x89PNG\r\n\x1a\n")
    file.write(chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)))
    file.write(chunk(b"IDAT", zlib.compress(b"".join(rows))))
    file.write(chunk(b"IEND", b""))
