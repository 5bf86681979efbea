/** A sandbox under attack: runs one attack at a time or several, and looks afterwards at what came of everybody else. */
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Outcome, open, type Run, type RunEnd, type Sandbox } from '@runlane/runner-host/testing';
import type { Attack } from './attacks.js';
import type { Canaries } from './canaries.js';
import type { Opened } from './drivers.js';
import type { Seen } from './judge.js';

export const PROGRAMS = fileURLToPath(new URL('../../attacks/programs/', import.meta.url));
/** Longest that the suite waits for a verdict, and for a program that must be served. */
const VERDICT_MS = 25_000;
const HELLO_MS = 5000;
const NEIGHBOUR = `
import os, socket, threading
for _ in range(5):
    if os.fork() == 0: os._exit(0)
    os.wait()
a, b = socket.socketpair()
socket.send_fds(a, [b"x"], [0])
t = threading.Thread(target=print, args=("served",)); t.start(); t.join()
`;

export interface Target {
  readonly opened: Opened;
  attack(attack: Attack): Promise<Seen>;
  /** What an attack did to others: everything that it must not have done, in words. */
  aftermath(): Promise<string[]>;
  close(): Promise<void>;
}

/** @param patienceMs longest that a process of a run which has ended may still be seen. */
export async function createTarget(opened: Opened, canaries: Canaries, patienceMs = 3000): Promise<Target> {
  const { sandbox } = opened;
  const before = await opened.identity();
  const helper = await readFile(`${PROGRAMS}attempt.py`);
  const marks = new Set<string>();
  const secrets = [canaries.secret, canaries.peerSecret];
  const leaks: string[] = [];
  const given = () => {
    const mark = `atk${randomBytes(6).toString('hex')}`;
    return { mark, ATTACK: JSON.stringify({ mark, jailSocket: opened.serviceSocket, ...canaries.where }) };
  };
  // What was opened is ours from here on, also where nobody can be served in it.
  let peer = await startPeer().catch(async (reason) => {
    await opened.close();
    throw reason;
  });

  async function startPeer(): Promise<Peer> {
    const run = await open(sandbox, await readFile(`${PROGRAMS}peer.py`, 'utf8'), {
      env: { ATTACK: given().ATTACK, PEER_SECRET: canaries.peerSecret },
      files: { 'attempt.py': helper },
      limits: { wallTimeMs: 3_600_000, cpuTimeMs: 600_000 },
    });
    return createPeer(run);
  }

  return {
    opened,
    async attack(attack) {
      const { mark, ATTACK } = given();
      const run = await open(sandbox, await readFile(`${PROGRAMS}${attack.name}.py`, 'utf8'), {
        env: { ATTACK },
        files: { 'attempt.py': helper },
        ...attack.given,
      });
      marks.add(mark);
      const neighbour = attack.neighbour && (() => serve(sandbox, NEIGHBOUR, 'served'));
      const seen = await watch(run, attack.given?.stdin, neighbour);
      const text = seen.outcome ? `${seen.outcome.stdout.subarray(0, 1 << 20)}${seen.outcome.stderr}` : '';
      for (const secret of secrets) {
        if (text.includes(secret)) leaks.push(secret === canaries.secret ? 'a secret of the host' : "a peer's secret");
      }
      const left = await leftOf(mark, patienceMs);
      marks.delete(mark);
      if (left.length > 0) leaks.push(`processes that outlived their run: ${left.slice(0, 5).join(' ')}`);
      return seen;
    },
    async aftermath() {
      const harm = leaks.splice(0).map((leak) => `there is ${leak}`);
      for (const canary of await canaries.touched()) harm.push(`reached ${canary}`);
      const unserved = await serve(sandbox, 'print("served")', 'served');
      if (unserved) harm.push(`afterwards a program ${unserved}`);
      const now = await opened.identity();
      if (now !== before) harm.push(`the service was ${before}, and is ${now}`);
      if (!(await peer.answers())) {
        harm.push('the peer does not answer any more');
        peer.close();
        await startPeer().then(
          (another) => {
            peer = another;
          },
          () => harm.push('no other peer can be started'),
        );
      }
      return harm;
    },
    async close() {
      peer.close();
      await opened.close();
    },
  };
}

/** Run a program that must be served; what went wrong, or undefined. */
async function serve(sandbox: Sandbox, code: string, answer: string): Promise<string | undefined> {
  const started = performance.now();
  try {
    const run = await open(sandbox, code);
    const { outcome, failure } = await watch(run, undefined, undefined, HELLO_MS);
    if (outcome?.text === answer) return undefined;
    return `was not served: ${failure ?? `${JSON.stringify(outcome?.end)} ${outcome?.stderr.toString().slice(-500)}`}`;
  } catch (reason) {
    return `was not served after ${Math.round(performance.now() - started)} ms: ${reason}`;
  }
}

/** Start a run and see it through, within a time after which it is given up. */
async function watch(
  run: Run,
  stdin: string | Buffer | undefined,
  whenFull: (() => Promise<string | undefined>) | undefined,
  withinMs = VERDICT_MS,
): Promise<Seen> {
  const started = performance.now();
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  let end: RunEnd | undefined;
  let pieces = 0;
  let neighbour: Promise<string | undefined> | undefined;
  let failure: string | undefined;
  const late = setTimeout(() => {
    failure = `did not end within ${withinMs} ms`;
    run.close();
  }, withinMs);
  try {
    run.go();
    if (stdin !== undefined) void run.writeStdin(Buffer.from(stdin));
    run.closeStdin();
    for await (const event of run.events()) {
      if (event.kind === 'exited') end = event.end;
      if (event.kind !== 'stdout' && event.kind !== 'stderr') continue;
      pieces += 1;
      (event.kind === 'stdout' ? out : err).push(event.data);
      if (whenFull && !neighbour && event.data.includes('"full"')) neighbour = whenFull();
    }
  } catch (reason) {
    failure ??= String(reason);
  } finally {
    clearTimeout(late);
    run.close();
  }
  const stdout = Buffer.concat(out);
  const tookMs = performance.now() - started;
  const unserved = whenFull && (neighbour ? await neighbour : 'was never needed: the attack did not get far enough');
  const outcome: Outcome | undefined = end && {
    end,
    stdout,
    stderr: Buffer.concat(err),
    text: stdout.toString().replace(/\n$/, ''),
  };
  return {
    pieces,
    tookMs,
    ...(outcome ? { outcome } : { failure: failure ?? 'there was no verdict' }),
    ...(unserved && { neighbour: unserved }),
  };
}

interface Peer {
  answers(): Promise<boolean>;
  close(): void;
}

async function createPeer(run: Run): Promise<Peer> {
  const events = run.events();
  let asked: Promise<boolean> = Promise.resolve(true);
  const says = async (word: string): Promise<boolean> => {
    const late = sleep(HELLO_MS, undefined, { ref: false });
    for (;;) {
      const next = await Promise.race([events.next().catch(() => undefined), late]);
      if (!next?.value || next.value.kind === 'exited') return false;
      if (next.value.kind === 'stdout' && next.value.data.includes(word)) return true;
    }
  };
  run.go();
  if (!(await says('"up"'))) throw new Error('the peer could not be started');
  return {
    // One question at a time, so that each gets its own answer.
    answers: () => {
      asked = asked.then(async () => {
        await run.writeStdin(Buffer.from('?\n'));
        return says('here');
      });
      return asked;
    },
    close: () => run.close(),
  };
}

/** Processes of the machine that carry the mark, in their name or words; looked for until there is none, or patience ends. */
async function leftOf(mark: string, patienceMs: number): Promise<string[]> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const texts = await Promise.all(
      pids.map(async (pid) =>
        Promise.all(['comm', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => ''))),
      ),
    );
    const left = pids.filter((_, index) => texts[index]?.some((text) => text.includes(mark)));
    if (left.length === 0 || performance.now() > deadline) return left;
    await sleep(20);
  }
}
