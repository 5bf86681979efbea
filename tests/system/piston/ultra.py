"""What a script of somebody who uses Piston does, by the package ultra-piston, unmodified: ultra.py BASE_URL; prints JSON."""
import asyncio
import json
import sys

from ultra_piston import File, PistonClient
from ultra_piston.errors import BadRequestError

client = PistonClient(base_url=sys.argv[1], rate_limit=0)


def shown(output):
    compiled = output.compile and output.compile.code
    return [output.run.stdout, output.run.stderr, output.run.code, output.run.signal, compiled]


def execute(language, code, **more):
    return client.post_execute(language=language, version="*", file=File(content=code), **more)


async def later():
    output = await client.post_execute_async(language="python", version="3.x", file=File(content="print('async')"))
    return shown(output)


def refusal():
    try:
        execute("no-such-language", "")
    except BadRequestError as error:
        return str(error)


print(json.dumps({
    "runtimes": [each.language for each in client.get_runtimes()],
    "packages": [each.language for each in client.get_packages() if each.installed],
    "hello": shown(execute("python3", "import sys\nprint(input(), sys.argv[1:])", stdin="in", args=["a", "b"])),
    "fails": shown(execute("py", "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(3)")),
    "compiled": shown(execute("gcc", '#include <stdio.h>\nint main(void) { puts("c"); return 0; }\n')),
    "async": asyncio.run(later()),
    "refusal": refusal(),
}))
