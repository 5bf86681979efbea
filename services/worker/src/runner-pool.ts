/**
 * The runners that this worker may use: every address behind the names in `RUNNERS`, each watched for health, chosen by
 * free slots. The worker resolves names itself, so that replicas behind one name are all seen.
 */
import { type ChannelCredentials, credentials as plain } from '@grpc/grpc-js';
import { chooseVersion, type runner, type types } from '@runlane/contract';
import type { Limits, Log, OfferedLanguage, Program, RunnerRecord } from '@runlane/core';
import { LRUCache } from 'lru-cache';
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.js';
import { addressesOf, type RunnerAddress } from './runner-address.js';
import { backOff, connectRunner, type RunnerConnection, RunnerError } from './runner-connection.js';

/** How often names are resolved again, in milliseconds: replicas come and go. */
const RESOLVE_EVERY_MS = 5_000;
/** How long a runner that said it was busy (with other workers' runs) is left alone, in milliseconds: ever longer. */
const BUSY_PAUSE_MS = 10;
const LONGEST_BUSY_PAUSE_MS = 500;
/** How long a job waits here for a runner of its language to appear, in milliseconds; then it is left for the reconciler. */
const APPEAR_WITHIN_MS = 2_000;

interface RunnerMember {
  readonly connection: RunnerConnection;
  /** What it said of itself when it was last connected. */
  readonly description: runner.DescribeResponse;
  /** Digests that it was given; it may have dropped them since. */
  readonly holds: LRUCache<string, true>;
}

/** What a program needs of a runner. */
export interface Wanted {
  readonly language: string;
  readonly version: string;
  /** Only a runner that has terminals for the language will do. */
  readonly terminal?: boolean;
}

/** @param prepared the version that it was prepared for, where only that one can run it. */
export function wantedFor({ language, version, interactive }: Program, prepared?: string): Wanted {
  return { language, version: prepared ?? version, terminal: interactive?.terminal !== undefined };
}

/** What `acquire` leaves to be said where it gave up. */
export function noRunnerFor({ language, version }: Wanted): RunnerError {
  return new RunnerError('away', `no runner for ${language} ${version}`.trim());
}

/** A runner, and the language of it that was asked for. */
export interface Offer {
  readonly member: RunnerMember;
  readonly language: runner.RunnerLanguage;
}

/** The right to start one run on a runner. */
export interface Slot extends Offer {
  /** Give it back; once more does nothing. `busy`: the runner had no room, though we thought so. */
  release(outcome?: 'busy'): void;
}

export interface RunnerPool {
  /**
   * A slot on the runner with the most free ones; waits while all are taken.
   * Undefined when no runner of this language appears in time, or the signal aborts. `isSpare`: it takes the place of a spare one
   * and counts as such.
   */
  acquire(wanted: Wanted, signal: AbortSignal, isSpare?: boolean): Promise<Slot | undefined>;
  /**
   * A slot that nobody waits for, to do one job's work side by side: of all slots, at most half are given away so. Undefined
   * where there is none now.
   */
  spare(wanted: Wanted): Slot | undefined;
  /** Whether somebody waits for a slot: spare ones are to be given back soon. */
  isWanted(): boolean;
  /** A runner of this language, whether or not it has a free slot; waits and gives up as `acquire` does. */
  find(wanted: Wanted, signal: AbortSignal): Promise<Offer | undefined>;
  /** Ask the runners connected now again what they offer: a toolchain may have become ready. */
  refresh(): Promise<void>;
  /** Runs that the runners connected now can make at once. */
  slots(): { total: number; used: number; runners: number };
  /** Resolves when the first runner is connected. */
  readonly ready: Promise<void>;
  close(): void;
}

export interface RunnerPoolOptions {
  /** `host:port` or `unix:/path`. */
  readonly names: readonly string[];
  /** Called whenever a runner has described itself. */
  readonly onDescribed: (address: string, record: RunnerRecord) => void;
  /** For runners that are reached over TCP; in the open when left out. Unix sockets need none. */
  readonly credentials?: ChannelCredentials | undefined;
  readonly log: Log;
}

const ADDRESS = /^(unix:.+|(\[[^\]]+\]|[^:[\]]+):\d{1,5})$/;
/** Attempts to connect that may fail without a word. */
const SILENT_TRIES = 5;

interface Entry {
  readonly connection: RunnerConnection;
  readonly breaker: CircuitBreaker;
  member: RunnerMember | undefined;
  used: number;
  busyUntilMs: number;
  /** The next pause. */
  busyPauseMs: number;
}

/** @throws Error that names what in `names` is no address. */
export function createRunnerPool({ names, onDescribed, credentials, log }: RunnerPoolOptions): RunnerPool {
  const wrong = names.find((name) => !ADDRESS.test(name));
  if (wrong !== undefined) throw new Error(`RUNNERS="${wrong}" must be host:port or unix:/path`);
  const entries = new Map<string, Entry>();
  const waiters = new Set<() => void>();
  const closing = new AbortController();
  let waitingForSlots = 0;
  let spares = 0;
  let becomeReady: () => void;
  const ready = new Promise<void>((resolve) => {
    becomeReady = resolve;
  });

  async function resolveNames(): Promise<void> {
    const found = (await Promise.all(names.map(addressesOf))).flat();
    const addresses = new Set(found.map(({ address }) => address));
    for (const each of found) if (!entries.has(each.address)) void keepConnected(each);
    for (const [address, entry] of entries) {
      // A name that resolves to nothing right now may be DNS's trouble, not the runner's end: a healthy one stays.
      if (!addresses.has(address) && !entry.member) drop(address, entry);
    }
  }

  function drop(address: string, entry: Entry): void {
    entries.delete(address);
    entry.connection.close();
  }

  async function keepConnected({ address, host }: RunnerAddress): Promise<void> {
    const overTcp = credentials && !address.startsWith('unix:') ? credentials : plain.createInsecure();
    const breaker = createCircuitBreaker();
    const onOutcome = (outcome: 'succeeded' | 'lost') =>
      outcome === 'succeeded' ? breaker.succeeded() : leaveAlone(address, breaker.lost());
    const connection = connectRunner(address, {
      credentials: overTcp,
      onOutcome,
      ...(host !== undefined && { name: host }),
    });
    const entry: Entry = {
      connection,
      breaker,
      member: undefined,
      used: 0,
      busyUntilMs: 0,
      busyPauseMs: BUSY_PAUSE_MS,
    };
    entries.set(address, entry);
    // One reason may hide another: the runner that starts after an absence may have the wrong certificate.
    const told = new Set<string>();
    for (let tries = 0; entries.get(address) === entry && !closing.signal.aborted; tries += 1) {
      try {
        const description = await connection.describe();
        await connection.watchHealth(() => {
          if (!entry.member) breaker.tryAgain();
          entry.member = { connection, description, holds: new LRUCache({ max: 10_000 }) };
          onDescribed(address, toRecord(description));
          becomeReady();
          wake();
        });
        if (entry.member || tries === SILENT_TRIES) log.warn({ address }, 'runner is not serving');
        if (entry.member) {
          tries = 0;
          told.clear();
        }
      } catch (error) {
        const { message: reason } = error as Error;
        // But for times in it, which are others each time.
        const kind = reason.replace(/\d/g, '');
        // Not at once: runners and workers start together, in any order.
        if (tries >= SILENT_TRIES && !told.has(kind)) log.warn({ address, reason }, 'runner does not answer');
        if (tries >= SILENT_TRIES) told.add(kind);
      }
      entry.member = undefined;
      await backOff(tries, closing.signal);
    }
  }

  function leaveAlone(address: string, pauseMs: number): void {
    if (pauseMs === 0) return;
    log.warn({ address, pauseMs }, 'runner lost several runs in a row; it is left alone for a while');
    setTimeout(wake, pauseMs + 1).unref();
  }

  async function describeAgain(address: string, entry: Entry): Promise<void> {
    // One that does not answer is the health watch's affair.
    const description = entry.member && (await entry.connection.describe().catch(() => undefined));
    if (!description || !entry.member) return;
    entry.member = { ...entry.member, description };
    onDescribed(address, toRecord(description));
    wake();
  }

  function wake(): void {
    for (const waiter of [...waiters]) waiter();
  }

  /** Every runner with the version that is meant. Of a range that is one version, or a job would be compiled by one and run by another. */
  function offers(wanted: Wanted) {
    const { version } = wanted;
    const fitting = [...entries.values()].flatMap((entry) => {
      const offered = entry.member && chosen(entry.member.description, wanted);
      return entry.member && offered ? [{ entry, member: entry.member, language: offered }] : [];
    });
    const meant = chooseVersion(
      fitting.map((each) => each.language),
      version,
    );
    const usable = fitting.filter((each) => version === '' || each.language.version === meant?.version);
    // One that is left alone is as good as not there: what waited for it here would keep others from being handled.
    return usable.filter(({ entry, member }) => entry.breaker.most(member.description.slots) > 0);
  }

  const freeSlots = ({ entry, member }: { entry: Entry; member: RunnerMember }) =>
    entry.busyUntilMs > Date.now() ? 0 : entry.breaker.most(member.description.slots) - entry.used;

  function take(wanted: Wanted, isSpare: boolean): Slot | 'full' | 'none' {
    const candidates = offers(wanted);
    if (candidates.length === 0) return 'none';
    const best = candidates.reduce((a, b) => (freeSlots(b) > freeSlots(a) ? b : a));
    if (freeSlots(best) <= 0) return 'full';
    const { entry } = best;
    entry.used += 1;
    if (isSpare) spares += 1;
    let held = true;
    return {
      member: best.member,
      language: best.language,
      release(outcome) {
        if (!held) return;
        held = false;
        entry.used -= 1;
        if (isSpare) spares -= 1;
        if (outcome === 'busy') {
          entry.busyUntilMs = Date.now() + entry.busyPauseMs;
          setTimeout(wake, entry.busyPauseMs + 1).unref();
          entry.busyPauseMs = Math.min(entry.busyPauseMs * 2, LONGEST_BUSY_PAUSE_MS);
        } else {
          entry.busyPauseMs = BUSY_PAUSE_MS;
        }
        wake();
      },
    };
  }

  function takeSpare(wanted: Wanted): Slot | undefined {
    if (waitingForSlots > 0 || spares >= Math.floor(count().total / 2)) return undefined;
    const slot = take(wanted, true);
    return slot === 'full' || slot === 'none' ? undefined : slot;
  }

  async function acquire(wanted: Wanted, signal: AbortSignal, isSpare = false): Promise<Slot | undefined> {
    waitingForSlots += 1;
    try {
      return await waitFor(() => take(wanted, isSpare), signal);
    } finally {
      waitingForSlots -= 1;
    }
  }

  function count() {
    const connected = [...entries.values()].filter(({ member }) => member);
    return {
      total: connected.reduce((sum, { member }) => sum + (member?.description.slots ?? 0), 0),
      used: connected.reduce((sum, { used }) => sum + used, 0),
      runners: connected.length,
    };
  }

  async function waitFor<T>(attempt: () => T | 'full' | 'none', signal: AbortSignal): Promise<T | undefined> {
    const giveUpAtMs = Date.now() + APPEAR_WITHIN_MS;
    while (!signal.aborted && !closing.signal.aborted) {
      const found = attempt();
      if (found !== 'full' && found !== 'none') return found;
      if (found === 'none' && Date.now() >= giveUpAtMs) return undefined;
      await nextChange(waiters, signal);
    }
    return undefined;
  }

  void resolveNames();
  const resolving = setInterval(() => void resolveNames(), RESOLVE_EVERY_MS);
  resolving.unref();

  return {
    ready,
    acquire,
    spare: takeSpare,
    isWanted: () => waitingForSlots > 0,
    find: (wanted, signal) => waitFor(() => offers(wanted)[0] ?? 'none', signal),
    async refresh() {
      await Promise.all([...entries].map(([address, entry]) => describeAgain(address, entry)));
    },
    slots: count,
    close() {
      closing.abort();
      clearInterval(resolving);
      for (const [address, entry] of entries) drop(address, entry);
      wake();
    },
  };
}

/** Resolves when a slot may have become free, at the latest after 250 ms. */
function nextChange(waiters: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      waiters.delete(done);
      resolve();
    };
    const timer = setTimeout(done, 250);
    signal.addEventListener('abort', done, { once: true });
    waiters.add(done);
  });
}

/** The version that is meant, of those of the language that a runner can run; its default is the first. */
export function chosen(
  { languages }: runner.DescribeResponse,
  { language, version, terminal: needsTerminal = false }: Wanted,
): runner.RunnerLanguage | undefined {
  const usable = languages.filter(
    ({ name, unavailableReason, terminal }) =>
      name === language && unavailableReason === '' && (terminal || !needsTerminal),
  );
  return chooseVersion(usable, version);
}

function toRecord({ languages, slots, isolation }: runner.DescribeResponse): RunnerRecord {
  return {
    languages: languages.map(toOffered),
    slots,
    isolation: isolation ?? { driver: '', summary: '', layers: [], weak: false },
    seenAtMs: Date.now(),
  };
}

function toOffered(language: runner.RunnerLanguage): OfferedLanguage {
  const { name, title, version, aliases, entry, compiled, unavailableReason, terminal } = language;
  return {
    name,
    title,
    version,
    aliases,
    entry,
    compiled,
    terminal,
    ...(unavailableReason && { unavailableReason }),
    defaultLimits: toLimits(language.defaultLimits),
    maximumLimits: toLimits(language.maximumLimits),
  };
}

/** Limits without the fields that are not set. */
function toLimits(limits: types.Limits | undefined): Limits {
  return JSON.parse(JSON.stringify(limits ?? {})) as Limits;
}
