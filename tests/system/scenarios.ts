/** Programs and how each must end: the same through every door, on every form of the platform. */
import type { Ended, ProgramJson } from './doors.js';

export interface Scenario {
  /** Completes "a program that …". */
  readonly name: string;
  readonly program: ProgramJson;
  readonly expected: Partial<Pick<Ended, 'status' | 'exitCode' | 'signal' | 'stdoutTruncated'>>;
  readonly stdout?: string | RegExp | Buffer;
  readonly stderr?: string | RegExp;
}

const succeeded = { status: 'succeeded', exitCode: 0, signal: null } as const;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'says hello',
    program: { code: "print('Hello, World!')" },
    expected: succeeded,
    stdout: 'Hello, World!\n',
    stderr: '',
  },
  {
    name: 'raises an error gets its traceback back',
    program: { code: 'def f():\n    return 1 / 0\nf()' },
    expected: { status: 'failed', exitCode: 1, signal: null },
    stdout: '',
    stderr: /^Traceback \(most recent call last\):\n[\s\S]*line 2, in f\n[\s\S]*ZeroDivisionError: division by zero\n$/,
  },
  {
    name: 'has a syntax error fails by itself',
    program: { code: 'print(' },
    expected: { status: 'failed', exitCode: 1 },
    stderr: /SyntaxError/,
  },
  {
    name: 'exits with 42',
    program: { code: 'import sys; sys.exit(42)' },
    expected: { status: 'failed', exitCode: 42, signal: null },
  },
  {
    name: 'crashes',
    program: { code: 'import os, signal; os.kill(os.getpid(), signal.SIGSEGV)' },
    expected: { status: 'failed', exitCode: null, signal: 'SIGSEGV' },
  },
  {
    name: 'never ends is ended',
    program: { code: 'print("on my way", flush=True)\nwhile True: pass', limits: { wallTimeMs: 1_000 } },
    expected: { status: 'timed_out', exitCode: null },
    stdout: 'on my way\n',
  },
  {
    name: 'sleeps too long is ended',
    program: { code: 'import time; time.sleep(60)', limits: { wallTimeMs: 500 } },
    expected: { status: 'timed_out' },
  },
  {
    name: 'uses its processor time up is ended',
    program: { code: 'while True: pass', limits: { cpuTimeMs: 500 } },
    expected: { status: 'timed_out' },
  },
  {
    name: 'takes 300 MB is ended',
    // Where memory is measured by looking, it takes a look to see it.
    program: { code: 'import time\ndata = bytearray(300_000_000)\ntime.sleep(1)\nprint(len(data))' },
    expected: { status: 'memory_exceeded' },
    stdout: '',
  },
  {
    name: 'floods stdout is ended, and its first bytes are kept',
    program: { code: "while True: print('x' * 1000)", limits: { outputBytes: 10_000 } },
    expected: { status: 'output_exceeded', stdoutTruncated: true },
    stdout: Buffer.from(`${'x'.repeat(1000)}\n`.repeat(10).slice(0, 10_000)),
  },
  {
    name: 'reads stdin, arguments and environment',
    program: {
      code: "import os, sys\nprint(sys.stdin.read().upper(), sys.argv[1:], os.environ['GREETING'])",
      stdin: 'grüße',
      args: ['-x', 'two words', '$(id)'],
      env: { GREETING: "it's; me" },
    },
    expected: succeeded,
    stdout: "GRÜSSE ['-x', 'two words', '$(id)'] it's; me\n",
  },
  {
    name: 'reads past the end of stdin',
    program: { code: 'try:\n    input()\nexcept EOFError:\n    print("end")' },
    expected: succeeded,
    stdout: 'end\n',
  },
  {
    name: 'has several files and folders',
    program: {
      files: [
        { path: 'lib/__init__.py', content: '' },
        { path: 'lib/maths.py', content: 'def double(x): return 2 * x\n' },
        { path: 'data/number.txt', content: '21' },
        { path: 'run.py', content: "from lib.maths import double\nprint(double(int(open('data/number.txt').read())))" },
      ],
      entry: 'run.py',
    },
    expected: succeeded,
    stdout: '42\n',
  },
  {
    name: 'writes bytes that are not UTF-8',
    program: { code: 'import sys; sys.stdout.buffer.write(bytes([0, 255, 254, 195, 40]))' },
    expected: succeeded,
    stdout: Buffer.from([0, 255, 254, 195, 40]),
  },
  {
    name: 'is empty',
    program: { code: '' },
    expected: succeeded,
    stdout: '',
  },
  {
    name: 'is named by an alias',
    program: { language: 'py', code: 'print(1)' },
    expected: succeeded,
    stdout: '1\n',
  },
  {
    name: 'looks for a way out finds none',
    program: {
      code: [
        'import os, socket',
        'print(os.getuid() != 0, open("/proc/self/status").read().split("CapEff:")[1].split()[0])',
        'try: open("/etc/written", "w")',
        'except OSError as error: print("read-only")',
        'try: socket.create_connection(("192.0.2.1", 80), timeout=1)',
        'except OSError as error: print("no network")',
        'print(sorted(name for name in os.listdir("/proc") if name.isdigit()))',
      ].join('\n'),
    },
    expected: succeeded,
    stdout: "True 0000000000000000\nread-only\nno network\n['1', '2']\n",
  },
];
