/**
 * Which version of the form of facts a store holds, kept in it as facts. A program that does not know the version refuses
 * the store before it writes anything; one that writes a newer version brings the store forward first. What may change
 * without a new version, and how old and new programs work on one store at once: docs/adr/0019-versions-of-the-store.md.
 */
import { RunlaneError } from '@runlane/contract';
import type { FactStore } from './facts.js';

/**
 * Brings a store from the version before to this one. Others may do the same at the same time, and one that was broken off
 * is done again from the start: repeating it, or any part of it, changes nothing.
 */
export interface Migration {
  readonly to: number;
  run(facts: FactStore): Promise<void>;
}

export interface Schema {
  /** In order, from version 2 on, without gaps. The last is the version that this program writes. */
  readonly migrations: readonly Migration[];
  /** The newest version that this program can work on: what it writes, or one more, which the release after it is to write. */
  readonly newestKnown: number;
}

const SCHEMA: Schema = { migrations: [], newestKnown: 1 };

/** Sorts like the number. */
const idOf = (version: number) => String(version).padStart(4, '0');

const mark = (facts: FactStore, version: number) =>
  facts.insert({ kind: 'schema', id: idOf(version), document: { createdAtMs: Date.now() } }, { durable: true });

/**
 * Make sure that the store is of a version which this program works on. Harmless to repeat.
 * @throws Error when it is newer, and then nothing has been written; `STORE_UNAVAILABLE` when it cannot be asked.
 */
async function bringForward(facts: FactStore, { migrations, newestKnown }: Schema): Promise<void> {
  const [newest] = await facts.scan('schema', { descending: true, limit: 1 });
  const version = newest && Number(newest.id);
  if (version !== undefined && version > newestKnown) {
    throw new Error(
      `the store is of version ${version}, and this program knows versions up to ${newestKnown}: ` +
        'start the Runlane that used it last, or a newer one; nothing was changed',
    );
  }
  // Without a mark it is new, or from before there were any; or another has marked it meanwhile, with whatever version.
  if (version === undefined) {
    if (!(await mark(facts, 1))) return bringForward(facts, { migrations, newestKnown });
  }
  for (const { to, run } of migrations) {
    if (to <= (version ?? 1)) continue;
    await run(facts);
    await mark(facts, to);
  }
}

/** The same store, of which nothing is read or written before its version is known to be one to work on. */
export function withSchema(facts: FactStore, schema = SCHEMA): FactStore {
  let isKnown = false;
  let brought: Promise<void> | undefined;
  function forward(): Promise<void> {
    brought ??= bringForward(facts, schema).then(
      () => {
        isKnown = true;
      },
      (error) => {
        brought = undefined;
        throw error;
      },
    );
    return brought;
  }
  const { close, ...others } = facts;
  const guarded = Object.entries(others).map(([name, method]) => {
    const call = method as (...args: unknown[]) => unknown;
    // From then on a call is the store's own, and begins at once.
    return [name, (...args: unknown[]) => (isKnown ? call(...args) : forward().then(() => call(...args)))];
  });
  return { ...Object.fromEntries(guarded), close };
}

/**
 * Have the version looked at before anything else begins. A store that is away is no reason not to start: then whoever first
 * calls it finds out.
 * @throws Error when it is newer.
 */
export async function assertKnownVersion(facts: FactStore): Promise<void> {
  await facts.ping().catch((error) => {
    if (!(error instanceof RunlaneError && error.code === 'STORE_UNAVAILABLE')) throw error;
  });
}
