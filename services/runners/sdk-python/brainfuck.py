"""Brainfuck: an interpreter to be started by the runner (`brainfuck.py FILE`), and what is wrong with a program.

A program is turned into Python first, as one instruction after the other would be too slow to be of use. The tape begins at
cell 0 and has no end. Cells have 16 bits: at the end of input one is set to -1, which no byte is.
"""

import os
import re
import sys
from array import array

TOKENS = re.compile(r"\++|-+|>+|<+|[\[\].,]")
NOT_CODE = re.compile(r"[^-+<>.,\[\]]")
VERSION = "1.0"
END_OF_INPUT = 65535
INPUT_BYTES = 65536


def problem_of(source: str) -> str | None:
    """Why the program means nothing, or None when it is one."""
    opened = []
    for number, line in enumerate(source.splitlines(), 1):
        for character in line:
            if character == "[":
                opened.append(number)
            elif character == "]":
                if not opened:
                    return f"line {number}: ] without ["
                opened.pop()
    return f"line {opened[-1]}: [ without ]" if opened else None


def to_python(source: str) -> str:
    """The same program in Python; `tape`, `take`, `put`, `grow` and `fall` are there for it."""
    lines = ["at = 0", "size = len(tape)"]
    indent = ""
    for token in TOKENS.findall(NOT_CODE.sub("", source)):
        count = len(token)
        kind = token[0]
        if kind == "]":
            indent = indent[:-1]
            continue
        new = {
            "+": [f"tape[at] = tape[at] + {count} & 65535"],
            "-": [f"tape[at] = tape[at] - {count} & 65535"],
            ">": [f"at += {count}", "if at >= size: size = grow(at)"],
            "<": [f"at -= {count}", "if at < 0: fall()"],
            ".": ["put(tape[at])"],
            ",": ["tape[at] = take()"],
            "[": ["while tape[at]:"],
        }[kind]
        lines += [indent + line for line in new]
        if kind == "[":
            indent += " "
            lines.append(indent + "pass")
    return "\n".join(lines)


def run(source: str) -> None:
    tape = array("H", bytes(8192))
    output = sys.stdout.buffer

    def pieces():
        while True:
            # Who is to give input should see first what was written.
            output.flush()
            yield from os.read(0, INPUT_BYTES) or (END_OF_INPUT,)

    take = pieces().__next__

    def put(cell: int) -> None:
        output.write(bytes((cell & 255,)))

    def grow(at: int) -> int:
        tape.frombytes(bytes(2 * max(len(tape), at)))
        return len(tape)

    def fall() -> None:
        output.flush()
        sys.exit("the program went to the left of cell 0")

    try:
        exec(compile(to_python(source), "program", "exec"), {"tape": tape, "take": take, "put": put, "grow": grow, "fall": fall})
        output.flush()
    except MemoryError:
        sys.exit("no more memory for the tape")


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8", errors="replace") as file:
        program = file.read()
    problem = problem_of(program)
    if problem:
        sys.exit(problem)
    try:
        run(program)
    except BrokenPipeError:
        os._exit(1)
