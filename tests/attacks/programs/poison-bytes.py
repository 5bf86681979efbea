"""Prints what decoders, terminals and browsers trip over: it must come back byte by byte."""
import os

poison = bytes(range(256)) + b"\xed\xa0\x80\xf0\x9f\x98" + b"\x1b]52;c;aGk=\x07\x1b[2J\0" + b"<script>alert(1)</script>\r\n"
for n in range(0, len(poison), 3):
    os.write(1, poison[n : n + 3])
