/** One started container whose process 1 waits for a job. It serves one run, and is removed. */
import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type Docker from 'dockerode';
import { z } from 'zod';
import { createFrameReader, FROM_JAIL, type Frame } from '../jail/frames.js';
import { type RunLimits, SandboxError, type Tools, toolchainsSchema } from '../sandbox.js';
import { readPieces } from './attach.js';
import { type Engine, explain, statusOf } from './engine.js';
import { patiently } from './patience.js';
import { limitsFor, settingsFor } from './settings.js';

/** Given to the image's own Python as one text: an image needs nothing of ours. */
const AGENT = ['jail/toolchains.py', 'jail/produced.py', 'src/sandbox/docker/agent.py'].map((path) =>
  fileURLToPath(new URL(`../../../${path}`, import.meta.url)),
);
const START_TIMEOUT_MS = 30_000;
const MAX_COMPLAINT_BYTES = 2000;
const ATTACH = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true } as const;

const helloSchema = z.object({
  toolchains: toolchainsSchema,
  platform: z.string(),
  noCapabilities: z.boolean(),
  noNewPrivileges: z.boolean(),
  seccomp: z.boolean(),
  readOnlyRoot: z.boolean(),
  interfaces: z.array(z.string()),
  memory: z.boolean(),
  cpu: z.boolean(),
});

/** What process 1 found out about its container. */
export type Hello = z.infer<typeof helloSchema>;

export type ContainerLimits = Pick<RunLimits, 'memoryBytes' | 'processes' | 'diskBytes' | 'inodes'>;

export interface ContainerOptions {
  readonly engine: Engine;
  readonly image: string;
  readonly runtime: string | undefined;
  /** Whose it is: written on it. */
  readonly owner: string;
  readonly limits: ContainerLimits;
  /** What to look for in the image: language → its tools. */
  readonly tools: Readonly<Record<string, Tools>>;
  /** To show at /toolchains. */
  readonly toolchainsDir: string | undefined;
}

export interface Container {
  readonly id: string;
  readonly image: string;
  readonly hello: Hello;
  /** The next frame; the first is READY, when it has taken its job. */
  next(): Promise<Frame | undefined>;
  /** Resolves when nothing more can come of it before a job was given. */
  readonly gone: Promise<unknown>;
  readonly connection: Duplex;
  /** What process 1 said on its way out. */
  complaint(): string;
  /** Other limits than it was made with. */
  limit(limits: Pick<ContainerLimits, 'memoryBytes' | 'processes'>): Promise<void>;
  /** Whether it ended for want of memory, once it has ended. */
  outOfMemory(): Promise<boolean>;
  /** End it and take it away; resolves when that is done. */
  remove(): Promise<void>;
  /** The same, without waiting for it. */
  discard(): void;
  /** Resolves when it was taken away, whoever asked for that. */
  readonly removed: Promise<void>;
}

/** @throws SandboxError saying what to do. */
export async function startContainer(options: ContainerOptions): Promise<Container> {
  let made: Docker.Container | undefined;
  try {
    made = await options.engine.createContainer(settingsFor(options, await readAgent()));
    // Before the start, so that process 1 is never without somebody at the other end: it ends when there is nobody.
    const connection = (await made.attach(ATTACH)) as Duplex;
    // A broken connection is seen where it is read; without a listener it would end the process.
    connection.on('error', () => {});
    await made.start();
    return await meet(made, connection, options);
  } catch (reason) {
    await made?.remove({ force: true }).catch(() => {});
    throw explain(reason, options.image);
  }
}

/** Wait until process 1 says what it found. */
async function meet(
  made: Docker.Container,
  connection: Duplex,
  { image, limits }: ContainerOptions,
): Promise<Container> {
  let said = '';
  const frames = readFrames(connection, (text) => {
    said = (said + text).slice(-MAX_COMPLAINT_BYTES);
  });
  const next = async () => (await frames.next()).value;
  const hello = await patiently(START_TIMEOUT_MS, next(), `a container from ${image} did not start in time`);
  if (hello?.type !== FROM_JAIL.DESCRIPTION)
    throw new SandboxError(`a container from ${image} ended at once: ${hello?.payload.toString() ?? said.trim()}`);
  // Asked for beforehand: while it waits for a job, all that can come is its end.
  let waiting: Promise<Frame | undefined> | undefined = next();
  const gone = waiting.catch(() => {});
  let tellRemoved = () => {};
  const removed = new Promise<void>((resolve) => {
    tellRemoved = resolve;
  });
  let removing: Promise<void> | undefined;
  const remove = () => {
    removing ??= removeContainer(made, connection).finally(() => tellRemoved());
    return removing;
  };
  return {
    id: made.id,
    image,
    hello: helloSchema.parse(JSON.parse(hello.payload.toString())),
    next() {
      const asked = waiting ?? next();
      waiting = undefined;
      return asked;
    },
    gone,
    connection,
    complaint: () => said.trim(),
    limit: (wanted) => limitContainer(made, limits, wanted),
    async outOfMemory() {
      await made.wait();
      return (await made.inspect()).State.OOMKilled;
    },
    remove,
    discard: () => void remove().catch(() => {}),
    removed,
  };
}

let agent: Promise<string> | undefined;
function readAgent(): Promise<string> {
  agent ??= Promise.all(AGENT.map((path) => readFile(path, 'utf8'))).then((texts) => texts.join('\n'));
  return agent;
}

async function* readFrames(
  connection: Duplex,
  complain: (text: string) => void,
): AsyncGenerator<Frame, undefined, undefined> {
  const cut = createFrameReader();
  for await (const { stream, data } of readPieces(connection)) {
    if (stream === 'stdout') yield* cut(data);
    else complain(data.toString());
  }
  return undefined;
}

async function limitContainer(
  container: Docker.Container,
  made: ContainerLimits,
  { memoryBytes, processes }: Pick<ContainerLimits, 'memoryBytes' | 'processes'>,
): Promise<void> {
  if (memoryBytes === made.memoryBytes && processes === made.processes) return;
  await container.update(limitsFor({ memoryBytes, processes }));
}

async function removeContainer(container: Docker.Container, connection: Duplex): Promise<void> {
  connection.destroy();
  await container.remove({ force: true, v: true }).catch((reason: unknown) => {
    // Gone, or somebody is at it already.
    if (statusOf(reason) !== 404 && statusOf(reason) !== 409) throw reason;
  });
}
