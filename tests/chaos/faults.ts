/** Every kind of fault: how it is made, how long it lasts, and what proves that it really happened. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '@runlane/core/testing';
import { Redis } from 'ioredis';
import { commandLineOf, family, isAlive } from '../system/processes.js';
import { freeze, killForGood, type Member, type MemberKind } from './member.js';
import type { Random } from './random.js';
import type { Way } from './way.js';
import type { World } from './world.js';

interface Circumstances {
  readonly world: World;
  readonly random: Random;
  /** How long things stand still, in milliseconds: longer than a lease. */
  readonly holdMs: number;
}

export interface Fault {
  readonly name: string;
  /** Why it cannot be made in this world, or undefined. */
  readonly impossible?: (world: World) => string | undefined;
  /** Resolves when it is over, with what proves that it happened. @throws Error when it did not happen. */
  inflict(circumstances: Circumstances): Promise<string>;
}

const AWAY_MS = 1_500;
const HOUR_MS = 3_600_000;

const oneOf = ({ world, random }: Circumstances, kind: MemberKind): Member =>
  random.pick(world.members.filter((member) => member.kind === kind));

function proved(holds: boolean, what: string): void {
  if (!holds) throw new Error(`the fault did not happen: ${what}`);
}

const allGone = (what: string, pids: readonly number[]) => until(`${what} is gone`, () => !pids.some(isAlive), 30_000);

/** kill -9 of one process of this kind; what it had started must go with it. */
const kill = (kind: MemberKind): Fault => ({
  name: `kill ${kind}`,
  async inflict(circumstances) {
    const member = oneOf(circumstances, kind);
    const { pid } = member;
    const below = member.below();
    const replaced = member.replaced();
    await killForGood(pid);
    await allGone(`what ${member.name} had started`, below);
    await replaced;
    return `${member.name}, pid ${pid}, died${below.length > 0 ? ` and ${below.length} below it` : ''}`;
  },
});

const stop = (kind: MemberKind): Fault => ({
  name: `stop ${kind}`,
  async inflict(circumstances) {
    const { pid, name } = oneOf(circumstances, kind);
    await freeze([pid], circumstances.holdMs);
    return `${name}, pid ${pid}, was stopped for ${circumstances.holdMs} ms`;
  },
});

const killJail: Fault = {
  name: 'kill jail',
  async inflict(circumstances) {
    const member = oneOf(circumstances, 'runner');
    const launcher = member.below().find((pid) => commandLineOf(pid).includes('jail/launcher.py'));
    if (!launcher) throw new Error(`${member.name} has no jail`);
    const below = family(launcher).slice(1);
    const replaced = member.replaced();
    await killForGood(launcher);
    await allGone(`what the jail of ${member.name} had started`, below);
    await replaced;
    return `pid ${launcher} of ${member.name} died and ${below.length} below it`;
  },
};

const stopJail: Fault = {
  name: 'stop jail',
  async inflict(circumstances) {
    const member = oneOf(circumstances, 'runner');
    const pids = member.below();
    await freeze(pids, circumstances.holdMs);
    return `${pids.length} processes below ${member.name} were stopped for ${circumstances.holdMs} ms`;
  },
};

async function withRedis<T>({ world }: Circumstances, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(world.redis.url, { lazyConnect: true });
  redis.on('error', () => {});
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

const MARK = 'chaos:mark';
const mark = (circumstances: Circumstances) => withRedis(circumstances, (redis) => redis.set(MARK, 'here'));
const isMarked = (circumstances: Circumstances) =>
  withRedis(circumstances, async (redis) => (await redis.exists(MARK)) === 1);

const restartRedis: Fault = {
  name: 'restart redis',
  async inflict(circumstances) {
    const { redis } = circumstances.world;
    await mark(circumstances);
    const { pid } = redis;
    await redis.kill('SIGKILL');
    proved(!isAlive(pid), 'redis-server is alive');
    await sleep(AWAY_MS);
    await redis.restart();
    proved(!(await isMarked(circumstances)), 'a key is still there');
    return `pid ${pid} died and took every key with it`;
  },
};

const emptyRedis: Fault = {
  name: 'empty redis',
  async inflict(circumstances) {
    await mark(circumstances);
    const keys = await withRedis(circumstances, async (redis) => {
      const before = await redis.dbsize();
      await redis.flushall();
      return before;
    });
    proved(!(await isMarked(circumstances)), 'a key is still there');
    return `${keys} keys are gone`;
  },
};

/** Redis answers nobody for a while; proved by a caller of our own who has to wait. */
const silenceRedis = (name: string, silence: (redis: Redis, holdMs: number) => Promise<unknown>): Fault => ({
  name,
  async inflict(circumstances) {
    const { holdMs } = circumstances;
    const beganAtMs = performance.now();
    await withRedis(circumstances, (redis) => silence(redis, holdMs));
    await withRedis(circumstances, (redis) => redis.get(MARK));
    const waitedMs = Math.round(performance.now() - beganAtMs);
    proved(waitedMs >= holdMs * 0.9, `it answered after ${waitedMs} ms`);
    return `an answer took ${waitedMs} ms`;
  },
});

const EXEC_QUEUE = 'bull:code-exec';
const REPEATED = 5;
const SEEN_WITHIN_MS = 60_000;

/** The queue delivers jobs that are being run, or just were, again and again. */
const repeatDeliveries: Fault = {
  name: 'repeat deliveries',
  async inflict(circumstances) {
    const repeated = new Set<string>();
    await withRedis(circumstances, (redis) =>
      until(
        'jobs were delivered',
        async () => {
          for (const id of await redis.lrange(`${EXEC_QUEUE}:active`, 0, -1)) {
            if (repeated.has(id)) continue;
            repeated.add(id);
            await redis.lpush(`${EXEC_QUEUE}:wait`, id, id, id);
          }
          return repeated.size >= REPEATED;
        },
        SEEN_WITHIN_MS,
      ),
    );
    return `${repeated.size} jobs were delivered three times more`;
  },
};

const stopServer = (name: 'redis' | 'store'): Fault => ({
  name: `stop ${name}`,
  async inflict({ world, holdMs }) {
    const { pid } = world[name];
    await freeze([pid], holdMs);
    return `pid ${pid} was stopped for ${holdMs} ms`;
  },
});

const restartStore: Fault = {
  name: 'restart store',
  async inflict({ world: { store } }) {
    const { pid } = store;
    await store.kill('SIGKILL');
    proved(!isAlive(pid), 'the server of the store is alive');
    await sleep(AWAY_MS);
    await store.restart();
    return `pid ${pid} died, ${store.pid} took its place`;
  },
};

const waysTo = ({ world, random }: Circumstances, server: string): [string, Way] =>
  random.pick(Object.entries(world.ways).filter(([name]) => name.endsWith(server)));

const cut = (server: 'redis' | 'store'): Fault => ({
  name: `cut ${server}`,
  async inflict(circumstances) {
    const [name, way] = waysTo(circumstances, server);
    let connections = 0;
    // Several times: what connects again is cut again.
    for (const pauseMs of [0, 200, 600]) {
      await sleep(pauseMs);
      connections += way.reset();
    }
    proved(connections > 0, `${name} had no connection`);
    return `${connections} connections of ${name} were reset`;
  },
});

const loseReplies = (server: 'redis' | 'store'): Fault => ({
  name: `deafen ${server}`,
  async inflict(circumstances) {
    const [name, way] = waysTo(circumstances, server);
    way.dropReplies();
    await sleep(circumstances.holdMs);
    const bytes = way.deliverReplies();
    proved(bytes > 0, `nothing was lost on ${name}`);
    return `${bytes} bytes of replies were lost on ${name}`;
  },
});

const noClock = ({ clock }: World) => (clock ? undefined : 'there is no faketime');

const stepClock: Fault = {
  name: 'step clock',
  impossible: noClock,
  async inflict({ world: { clock }, random, holdMs }) {
    const aheadMs = random.pick([-HOUR_MS, HOUR_MS]);
    try {
      await clock?.setAheadBy(aheadMs);
      await sleep(holdMs);
    } finally {
      await clock?.setAheadBy(0);
    }
    return `worker1 took it to be ${Math.abs(aheadMs) / 60_000} minutes ${aheadMs < 0 ? 'earlier' : 'later'}`;
  },
};

/** What it claimed is from the future, and nobody will renew it. */
const dieAhead: Fault = {
  name: 'die ahead',
  impossible: noClock,
  async inflict({ world: { clock, members }, holdMs }) {
    const worker = members.find(({ name }) => name === 'worker1');
    if (!worker) throw new Error('there is no worker1');
    const { pid } = worker;
    try {
      await clock?.setAheadBy(HOUR_MS);
      await sleep(holdMs);
      const replaced = worker.replaced();
      await killForGood(pid);
      await replaced;
    } finally {
      await clock?.setAheadBy(0);
    }
    return `worker1, pid ${pid}, died an hour ahead`;
  },
};

const fillDisk: Fault = {
  name: 'fill disk',
  impossible: ({ disk }) => (disk ? undefined : 'only root can make a disk of its own for a runner'),
  async inflict({ world: { disk, members }, holdMs }) {
    const runner = members.find(({ name }) => name === 'runner1');
    if (!runner || !disk) throw new Error('there is no such runner');
    const bytes = await disk.fill();
    const replaced = runner.replaced();
    try {
      await sleep(holdMs / 2);
      // It must also come back: at once, or when there is space again.
      await killForGood(runner.pid);
      await sleep(holdMs / 2);
    } finally {
      await disk.empty();
    }
    await replaced;
    return `no space was left for runner1 after ${bytes} bytes`;
  },
};

export const FAULTS: readonly Fault[] = [
  kill('command'),
  kill('worker'),
  kill('runner'),
  killJail,
  stop('command'),
  stop('worker'),
  stop('runner'),
  stopJail,
  restartRedis,
  emptyRedis,
  repeatDeliveries,
  stopServer('redis'),
  silenceRedis('pause redis', (redis, holdMs) => redis.client('PAUSE', holdMs, 'ALL')),
  silenceRedis('redis sleeps', (redis, holdMs) => redis.call('DEBUG', 'SLEEP', holdMs / 1_000)),
  restartStore,
  stopServer('store'),
  cut('redis'),
  cut('store'),
  loseReplies('redis'),
  loseReplies('store'),
  stepClock,
  dieAhead,
  fillDisk,
];
