/** What every sandbox driver promises of a program in a terminal, as tests on real programs. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type Given, open, runPython } from './sandbox.fixture.js';
import type { Run, RunEnd, Sandbox } from './sandbox.js';

const SIZE = { rows: 24, columns: 80 };
const PATIENCE_MS = 20_000;

interface Conversation {
  readonly run: Run;
  type(text: string): void;
  /** Resolves once what the program wrote, and the terminal echoed, holds these words. */
  shows(words: string): Promise<void>;
  /** Everything that was shown, and how it ended. */
  end(): Promise<{ readonly shown: string; readonly end: RunEnd }>;
}

function converse(run: Run): Conversation {
  const chunks: Buffer[] = [];
  let news = () => {};
  const shown = () => Buffer.concat(chunks).toString();
  const ended = (async () => {
    for await (const event of run.events()) {
      assert.notEqual(event.kind, 'stderr');
      if (event.kind === 'stdout') chunks.push(event.data);
      if (event.kind === 'exited') return event.end;
      news();
    }
    throw new Error('the run ended without a verdict');
  })().finally(() => news());
  ended.catch(() => undefined);
  return {
    run,
    type: (text) => void run.writeStdin(Buffer.from(text)),
    async shows(words) {
      const late = setTimeout(() => run.close(), PATIENCE_MS);
      while (!shown().includes(words)) {
        const more = new Promise<void>((resolve) => {
          news = resolve;
        });
        const end = await Promise.race([more, ended.catch((error: Error) => error)]);
        if (end && !shown().includes(words)) assert.fail(`"${words}" was not shown, but ${JSON.stringify(shown())}`);
      }
      clearTimeout(late);
    },
    end: async () => ({ end: await ended, shown: shown() }),
  };
}

/** @param opened the sandbox, once tests run. */
export function testTerminal(opened: () => Sandbox): void {
  async function start(code: string, given: Given = {}): Promise<Conversation> {
    const run = await open(opened(), code, { terminal: SIZE, ...given });
    const conversation = converse(run);
    run.go();
    return conversation;
  }

  test('in a terminal, all three streams are it, it has its size and leads a session of its own', async () => {
    const code = [
      'import os, sys',
      'print([os.isatty(n) for n in range(3)], {os.ttyname(n) for n in range(3)})',
      'print(*os.get_terminal_size(), os.getsid(0) == os.getpid() == os.tcgetpgrp(0), sys.stdin.isatty())',
      'print("to the terminal", file=open("/dev/tty", "w"))',
      'print("to stderr", file=sys.stderr)',
    ].join('\n');
    const { shown, end } = await (await start(code)).end();
    assert.equal(shown, "[True, True, True] {'/dev/pts/0'}\r\n80 24 True True\r\nto the terminal\r\nto stderr\r\n");
    assert.equal(end.code, 0);
  });

  test('in a terminal, a dialogue goes line by line, and is echoed', async () => {
    const talk = await start('name = input("Who? ")\nprint("Hello,", name)\nprint(input("And? ").upper())');
    await talk.shows('Who? ');
    talk.type('Adé\x7fa\n');
    await talk.shows('And? ');
    talk.type('good\n');
    const { shown, end } = await talk.end();
    // The key that erases took both bytes of the character.
    assert.equal(shown, 'Who? Adé\b \ba\r\nHello, Ada\r\nAnd? good\r\nGOOD\r\n');
    assert.deepEqual([end.reason, end.code], ['exited', 0]);
  });

  test('in a terminal, ^C interrupts', async () => {
    const talk = await start(
      'import time\ntry:\n  print("up")\n  while True: time.sleep(0.01)\nexcept KeyboardInterrupt: print("interrupted")',
    );
    await talk.shows('up');
    talk.type('\x03');
    assert.match((await talk.end()).shown, /\^C.*interrupted/);
  });

  test('in a terminal, SIGINT reaches whoever is in the foreground, and SIGTERM the program', async () => {
    const child =
      'import time\ntry:\n  print("up", flush=True)\n  while True: time.sleep(0.01)\nexcept KeyboardInterrupt: print("child interrupted")';
    const code = [
      'import signal, subprocess, sys, time',
      'signal.signal(signal.SIGINT, signal.SIG_IGN)',
      `subprocess.run([sys.executable, "-c", ${JSON.stringify(`import signal\nsignal.signal(2, signal.default_int_handler)\n${child}`)}])`,
      'print("waits")',
      'time.sleep(60)',
    ].join('\n');
    const talk = await start(code);
    await talk.shows('up');
    talk.run.signal('SIGINT');
    await talk.shows('child interrupted');
    await talk.shows('waits');
    talk.run.signal('SIGTERM');
    assert.equal((await talk.end()).end.signal, 'SIGTERM');
  });

  test('in a terminal, a new size is told', async () => {
    const code = [
      'import os, signal, time',
      'def tell(*_): print("now", *os.get_terminal_size())',
      'signal.signal(signal.SIGWINCH, tell)',
      'print("up")',
      'while True: time.sleep(0.01)',
    ].join('\n');
    const talk = await start(code);
    await talk.shows('up');
    talk.run.resize({ rows: 50, columns: 132 });
    await talk.shows('now 132 50');
    talk.run.close();
  });

  test('in a terminal, the end of input ends it, at the beginning of a line and within one', async () => {
    for (const [typed, read] of [
      ['one\ntwo\n', "[b'one\\n', b'two\\n']"],
      ['one\ntw', "[b'one\\n', b'tw']"],
      ['', '[]'],
    ] as const) {
      const talk = await start('import os\nprint("reads")\nprint(list(iter(lambda: os.read(0, 99), b"")))');
      await talk.shows('reads');
      talk.type(typed);
      talk.run.closeStdin();
      const { shown, end } = await talk.end();
      assert.ok(shown.includes(read), JSON.stringify(shown));
      assert.equal(end.code, 0);
    }
  });

  test('in a terminal, the end of input stays, for a program that reads on', async () => {
    const talk = await start(
      'import sys\nprint("reads")\nprint(sys.stdin.readlines(), repr(sys.stdin.read()), repr(sys.stdin.read()))',
    );
    await talk.shows('reads');
    talk.type('one\ntw');
    talk.run.closeStdin();
    assert.match((await talk.end()).shown, /\['one\\n', 'tw'\] '' ''/);
  });

  test('in a terminal, input given before the program reads is there when it does', async () => {
    const talk = await start('import time\ntime.sleep(0.3)\nprint("read", input())');
    talk.type('early\n');
    assert.match((await talk.end()).shown, /read early/);
  });

  test('in a terminal, what is written last is not lost, though the program ends at once', async () => {
    const { shown, end } = await (await start('import sys\nsys.stdout.write("x" * 100_000 + "end")')).end();
    assert.equal(shown, `${'x'.repeat(100_000)}end`);
    assert.equal(end.code, 0);
  });

  test('in a terminal, a program that closes its streams has the terminal still', async () => {
    const code = [
      'import os, time',
      'print("before")',
      'for fd in range(3): os.close(fd)',
      'time.sleep(0.2)',
      'with open("/dev/tty", "w") as terminal: terminal.write("after")',
    ].join('\n');
    assert.match((await (await start(code)).end()).shown, /before\r\nafter/);
  });

  test('in a terminal, more input than any buffer holds arrives whole', async () => {
    const bytes = 300_000;
    const code = [
      'import hashlib, os, tty',
      'tty.setraw(0)',
      'print("reads")',
      'data = b""',
      `while len(data) < ${bytes}: data += os.read(0, 65536)`,
      'print(hashlib.sha256(data).hexdigest())',
    ].join('\n');
    const talk = await start(code);
    await talk.shows('reads');
    const input = Buffer.from(Array.from({ length: bytes }, (_, at) => (at * 7 + Math.floor(at / 251)) % 256));
    for (let at = 0; at < bytes; at += 50_000) await talk.run.writeStdin(input.subarray(at, at + 50_000));
    assert.ok((await talk.end()).shown.includes(createHash('sha256').update(input).digest('hex')));
  });

  test('in a terminal, the output limit holds', async () => {
    const { shown, end } = await (
      await start('while True: print("x" * 100)', { limits: { outputBytes: 5_000 } })
    ).end();
    assert.deepEqual([end.reason, end.stdoutTruncated, shown.length], ['output', true, 5_000]);
  });

  test('without a terminal there is none', async () => {
    const code =
      'import os\ntry: open("/dev/tty")\nexcept OSError: print([os.isatty(n) for n in range(3)], os.listdir("/dev/pts"))';
    assert.equal((await runPython(opened(), code)).text, "[False, False, False] ['ptmx']");
  });
}
