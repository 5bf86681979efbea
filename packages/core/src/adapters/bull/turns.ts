/**
 * Turns before Bull, which is first in, first out, and gets slow as its list gets long: of each owner and priority (a flow), at
 * most twice as many deliveries as there are slots are in Bull, in the order of their tags (`fair-line.ts`); the others wait
 * behind them, in a sorted set of the flow, and each that is over lets the next one in. Like Bull's own, these keys may be lost:
 * the reconciler adds what is missing.
 */
import type { Redis } from 'ioredis';
import type { JobId, OwnerId } from '../../job.js';
import { type Expected, turnOf } from '../../job-queue.js';
import { createScript, type Script } from '../redis/script.js';

/** What waits, and whose it is. */
export interface Waiting {
  readonly id: JobId;
  readonly ownerId: OwnerId;
  readonly priority: number;
}

/** To be added to Bull now, with its tag as Bull's priority. */
export interface LetIn {
  readonly id: JobId;
  readonly tag: number;
}

export interface Turns {
  /**
   * Come to wait; who is to be let in now, if anybody. Who waits already, or is being handled, waits once. `isDue`: the delivery
   * that held it back is the one that says so.
   */
  come(waiting: Waiting, isDue: boolean): Promise<LetIn[]>;
  /** A delivery is over; who is let in for it. */
  leave(waiting: Waiting, tag: number): Promise<LetIn[]>;
  /** Who neither waits nor is being handled; and who is to be let in now. */
  missing(expected: readonly Expected[]): Promise<{ ids: Set<JobId>; letIn: readonly (LetIn & Waiting)[] }>;
  /** How many wait behind Bull. */
  behind(): Promise<number>;
  /** Of those that wait, in Bull and behind it, the one with the lowest id. */
  oldest(): Promise<JobId | undefined>;
  setSlots(slots: number): Promise<void>;
}

/** Of every queue: how many runs can be made at once. Forgotten when no worker says so any more. */
const SLOTS_KEY = 'runlane:queue:slots';
const SLOTS_KEPT_SECONDS = 60;
/** Until a worker has said. */
const SLOTS_BEFORE = 32;

/**
 * For all scripts. `waits`: whether a delivery is in Bull. A hash that is in no list was left when Redis was flushed or restarted
 * between two of Bull's steps; Bull takes it for a duplicate, in whatever state, and the job would never be delivered again.
 */
const SHARED = `
local bull, own = ARGV[1], ARGV[2]
local function waits(name)
  if redis.call('EXISTS', bull .. name) == 0 then return false end
  for _, list in ipairs({'active', 'wait', 'paused'}) do
    if redis.call('LPOS', bull .. list, name) then return true end
  end
  if redis.call('ZSCORE', bull .. 'delayed', name) then return true end
  for _, set in ipairs({'completed', 'failed', 'priority'}) do redis.call('ZREM', bull .. set, name) end
  redis.call('DEL', bull .. name, bull .. name .. ':lock')
  return false
end
local function room(held)
  local slots = tonumber(redis.call('GET', '${SLOTS_KEY}') or ${SLOTS_BEFORE})
  return math.max(0, 2 * slots - redis.call('SCARD', held))
end
local function clock() return tonumber(redis.call('GET', own .. 'clock') or 0) end
local function letIn(flow, cost)
  local held, behind, came = own .. 'held:' .. flow, own .. 'behind:' .. flow, {}
  local first = redis.call('ZPOPMIN', behind, room(held))
  local tag = math.max(clock(), tonumber(redis.call('HGET', own .. 'last', flow) or 0))
  for at = 1, #first, 2 do
    tag = tag + cost
    redis.call('SADD', held, first[at])
    came[at], came[at + 1] = first[at], string.format('%.0f', tag)
  end
  if #came > 0 then redis.call('HSET', own .. 'last', flow, string.format('%.0f', tag)) end
  if redis.call('EXISTS', behind) == 1 then redis.call('SADD', own .. 'flows', flow)
  else redis.call('SREM', own .. 'flows', flow) end
  return came
end
`;

/** Of one flow, ids are in the order of their times. */
const COME = createScript(`${SHARED}
local id, flow, cost = ARGV[3], ARGV[4], tonumber(ARGV[5])
if waits(id) or (ARGV[6] == '' and waits(id .. '-later')) then return {} end
redis.call('ZADD', own .. 'behind:' .. flow, 'NX', 0, id)
return letIn(flow, cost)
`);

/** The clock goes on when a delivery is over. A flow of which nobody is here need not be remembered: its last tag is the clock's, or less. */
const LEAVE = createScript(`${SHARED}
local id, flow, cost, tag = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
redis.call('SREM', own .. 'held:' .. flow, id)
if tag > clock() then redis.call('SET', own .. 'clock', string.format('%.0f', tag)) end
local came = letIn(flow, cost)
if redis.call('EXISTS', own .. 'held:' .. flow) == 0 then redis.call('HDEL', own .. 'last', flow) end
return came
`);

const MISSING = createScript(`${SHARED}
local missing = {}
for at = 3, #ARGV, 2 do
  local id, flow = ARGV[at], ARGV[at + 1]
  if not (redis.call('ZSCORE', own .. 'behind:' .. flow, id) or waits(id) or waits(id .. '-later')) then
    table.insert(missing, id)
  end
end
return missing
`);

/** Those that were let in and are lost, or are on their way to Bull, make room: only for who comes now and then. */
const LET_IN = createScript(`${SHARED}
local held = own .. 'held:' .. ARGV[3]
if room(held) == 0 then
  for _, id in ipairs(redis.call('SMEMBERS', held)) do
    if redis.call('EXISTS', bull .. id) == 0 then redis.call('SREM', held, id) end
  end
end
return letIn(ARGV[3], tonumber(ARGV[4]))
`);

const BEHIND = createScript(`${SHARED}
local count = 0
for _, flow in ipairs(redis.call('SMEMBERS', own .. 'flows')) do
  count = count + redis.call('ZCARD', own .. 'behind:' .. flow)
end
return count
`);

/** Behind Bull, the first of each flow is its oldest; in Bull's list there are few. A delivery whose time has come may wait there too. */
const OLDEST = createScript(`${SHARED}
local oldest = false
local function see(id) if id and (not oldest or id < oldest) then oldest = id end end
for _, flow in ipairs(redis.call('SMEMBERS', own .. 'flows')) do
  see(redis.call('ZRANGE', own .. 'behind:' .. flow, 0, 0)[1])
end
for _, name in ipairs(redis.call('LRANGE', bull .. 'wait', 0, -1)) do see(string.sub(name, 1, 36)) end
return oldest
`);

/** The most that any worker has said lately: each may see other runners. */
const SET_SLOTS = createScript(`
local key, slots, keptSeconds = '${SLOTS_KEY}', ARGV[3], ARGV[4]
if tonumber(redis.call('GET', key) or 0) <= tonumber(slots) then redis.call('SET', key, slots, 'EX', keptSeconds) end
`);

/** @param queueName as in Bull's keys. */
export function createTurns(redis: Redis, queueName: string): Turns {
  const prefixes = [`bull:${queueName}:`, `runlane:queue:${queueName}:`];
  const run = (script: Script, ...words: (string | number)[]) => script(redis, ...prefixes, ...words);
  function runFor(script: Script, waiting: Waiting, ...words: (string | number)[]): Promise<unknown> {
    const { flow, cost } = turnOf(waiting);
    return run(script, waiting.id, flow, cost, ...words);
  }
  const letIn = async (reply: Promise<unknown>): Promise<LetIn[]> => {
    const words = (await reply) as string[];
    return words.flatMap((id, at) => (at % 2 === 0 ? [{ id, tag: Number(words[at + 1]) }] : []));
  };

  return {
    come: (waiting, isDue) => letIn(runFor(COME, waiting, isDue ? 'due' : '')),
    leave: (waiting, tag) => letIn(runFor(LEAVE, waiting, tag)),
    async missing(expected) {
      const all = expected.map(({ id, ownerId = '', priority = 0 }) => ({ id, ownerId, priority }));
      const ids = (await run(MISSING, ...all.flatMap((each) => [each.id, turnOf(each).flow]))) as string[];
      // One whose worker died before it let the next one in would else keep its whole flow waiting.
      const flows = [...new Map(all.map((each) => [turnOf(each).flow, each])).values()];
      const came = await Promise.all(
        flows.map(async (one) => {
          const { flow, cost } = turnOf(one);
          const next = await letIn(run(LET_IN, flow, cost));
          return next.map((each) => ({ ...one, ...each }));
        }),
      );
      return { ids: new Set(ids), letIn: came.flat() };
    },
    oldest: async () => ((await run(OLDEST)) as JobId | null) ?? undefined,
    behind: async () => Number(await run(BEHIND)),
    async setSlots(slots) {
      if (slots > 0) await run(SET_SLOTS, slots, SLOTS_KEPT_SECONDS);
    },
  };
}
