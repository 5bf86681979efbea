/**
 * An attack on all who use the same tools: a program that locks every file that runs share, as far as it can open them. And
 * the small programs of others, which it must not keep from being compiled and run.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runner } from '@runlane/contract';

const RUNNERS = fileURLToPath(new URL('../../services/runners/', import.meta.url));
/** What toolchains have made comes first, then of the machine as much as its descriptors are enough for. */
const LOCKS = `
import fcntl, os, time
tops = ("/toolchains", "/etc", "/usr/bin", "/usr/local", "/usr/lib", "/usr/include")
paths = [os.path.join(folder, name) for top in tops for folder, _, names in os.walk(top) for name in names]
parts = [paths[at : at + 1000] for at in range(0, min(len(paths), 40_000), 1000)]
told, tell = os.pipe()
for part in parts:
    if os.fork() == 0:
        held = []
        refused = 0
        for path in part:
            try:
                held.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
                fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                refused += 1
            except OSError:
                pass
        os.write(tell, f"{len(held) - refused} {refused}\\n".encode())
        time.sleep(60)
        os._exit(0)
with open(told) as lines:
    counts = [[int(word) for word in lines.readline().split()] for _ in parts]
print(sum(held for held, _ in counts), sum(refused for _, refused in counts), flush=True)
time.sleep(60)
`;
const LIMITS = { wallTimeMs: 60_000, cpuTimeMs: 60_000, memoryBytes: 1024 * 1024 * 1024, openFiles: 1024 };

/** How many files it holds, how many were held by another, and what lets go of them. */
export async function lockAllThatIsShared(client) {
  const call = await start(client, { language: 'python', entry: 'main.py', text: LOCKS, limits: LIMITS });
  let said = '';
  for await (const { message } of call) {
    if (message?.$case === 'output') said += message.value.data;
    if (message?.$case === 'exited') throw new Error(`it ended: ${JSON.stringify(message.value)} ${said}`);
    if (said.includes('\n')) break;
  }
  const [held, refused] = said.split(' ').map(Number);
  const describe = promisify(client.describe.bind(client));
  const { freeSlots } = await describe({});
  const release = async () => {
    call.cancel();
    while ((await describe({})).freeSlots <= freeSlots) await sleep(20);
  };
  return { held, refused, release };
}

/** What the small program of a language that is offered prints, compiled anew, and how long that took. */
export async function hello(client, { name, version, entry }) {
  const folder = `${RUNNERS}${name}/programs/`;
  const file = readdirSync(folder).find((one) => one.startsWith('hello.'));
  // Sources that nobody has compiled yet.
  const text = `${readFileSync(folder + file, 'utf8')}\n`;
  const startedMs = performance.now();
  const call = await start(client, { language: name, version, entry, text, limits: {} });
  let printed = '';
  for await (const { message } of call) if (message?.$case === 'output') printed += message.value.data;
  return { printed, tookMs: performance.now() - startedMs };
}

async function start(client, { language, version = '', entry, text, limits }) {
  const bundle = Buffer.from(
    runner.Bundle.encode({ files: [{ path: entry, content: Buffer.from(text), executable: false }] }).finish(),
  );
  const prepare = promisify(client.prepare.bind(client));
  const asked = { ...runner.PrepareRequest.fromPartial({}), language, version, entry, bundle };
  const { artifactDigest, compile } = await prepare(asked);
  if (artifactDigest === '') throw new Error(`${language} was not compiled: ${compile?.diagnostics}`);
  const call = client.execute();
  call.on('error', () => undefined);
  const value = { ...runner.Start.fromPartial({}), language, version, entry, artifactDigest, limits };
  call.write({ message: { $case: 'start', value } });
  call.write({ message: { $case: 'go', value: {} } });
  return call;
}
