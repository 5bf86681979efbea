/** A store as it is in use, with jobs in every state and all that goes with them: always the same. */
import type { ApiKey } from '../api-key.js';
import type { FactStore } from '../facts.js';
import { ANONYMOUS, type Job } from '../job.js';
import { createJobStore, type JobStore } from '../job-store.js';
import { aBatch, aJob, aResult } from './jobs.js';

const THEN_MS = Date.UTC(2026, 0, 15);
const idOf = (n: number) => `019bbf00-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** The job store at that time. */
export function storeThen(facts: FactStore): JobStore {
  return createJobStore({ facts, leaseMs: 10_000, maxAttempts: 3, now: () => THEN_MS });
}

export const STORED_JOBS = {
  waiting: idOf(1),
  running: idOf(2),
  succeeded: idOf(3),
  failed: idOf(4),
  cancelled: idOf(5),
};
export const STORED_BATCH = idOf(100);

const keyOf = (id: string): ApiKey => ({
  id,
  name: `of ${id}`,
  ownerId: 'somebody',
  sha256: 'e'.repeat(64),
  scopes: ['read', 'submit'],
  limits: { requestsPerMinute: 10 },
  createdAtMs: THEN_MS,
});
/** The second is revoked. */
export const STORED_KEYS = [keyOf('key1'), keyOf('key2')] as const;

export async function storeJobs(facts: FactStore): Promise<void> {
  const store = storeThen(facts);
  const job = (id: string, more: Partial<Job> = {}) => aJob({ id, createdAtMs: THEN_MS, ...more });
  const callbackUrl = 'https://example.org/told';
  await store.insert(job(STORED_JOBS.waiting, { metadata: { 'a.key$of%a': 'user', '': 'empty' }, callbackUrl }));
  for (const id of [STORED_JOBS.running, STORED_JOBS.succeeded, STORED_JOBS.failed]) {
    await store.insert(job(id));
    await store.claim(id, 'save', 'worker-1');
    await store.markSaved(id, { artifactDigest: 'a'.repeat(64) });
    await store.claim(id, 'exec', 'worker-1');
  }
  const stdout = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  await store.finish(STORED_JOBS.succeeded, 1, aResult('succeeded', { stdout }));
  await store.finish(STORED_JOBS.failed, 1, aResult('failed', { exitCode: 3, stderr: Buffer.from('no\n') }));
  await store.insert(job(STORED_JOBS.cancelled));
  await store.cancel(STORED_JOBS.cancelled);
  const { batch, jobs } = aBatch(2, { id: STORED_BATCH, createdAtMs: THEN_MS });
  await store.insertBatch(batch, jobs);
  await store.reserve(ANONYMOUS, 'a-key', { acceptedId: idOf(3), bodyDigest: 'b'.repeat(64), createdAtMs: THEN_MS });
  await store.recordBuild('c'.repeat(64), { artifactDigest: 'd'.repeat(64), version: '1.2.3' });
  for (const key of STORED_KEYS) await facts.insert({ kind: 'keys', id: key.id, document: key }, { durable: true });
  const revocation = { kind: 'revocations', id: STORED_KEYS[1].id, document: { createdAtMs: THEN_MS } } as const;
  await facts.insert(revocation, { durable: true });
}
