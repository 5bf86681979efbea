"""A runner of Brainfuck: what a language has to bring, and nothing else. `main.py [ADDRESS] [SLOTS]`"""

import asyncio
import sys
from pathlib import Path

import brainfuck
from runlane_runner.language import Language
from runlane_runner.server import serve

INTERPRETER = str(Path(brainfuck.__file__).resolve())

LANGUAGE = Language(
    name="brainfuck",
    title="Brainfuck",
    version=brainfuck.VERSION,
    entry="main.bf",
    aliases=("bf",),
    argv=lambda entry, args: [sys.executable, "-I", INTERPRETER, entry],
    problem_of=lambda source: brainfuck.problem_of(source.decode(errors="replace")),
)

if __name__ == "__main__":
    address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50053"
    slots = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    asyncio.run(serve([LANGUAGE], address, slots))
