import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Fact, FactKind, FactStore } from './facts.js';
import { FINAL_STATUSES, STAGES, type Status } from './job.js';
import { isFinal, TRANSITIONS } from './job-state.js';
import { type Claim, createJobStore, isOver } from './job-store.js';
import { aJob, aResult } from './testing/jobs.js';

/** Facts in a map: as little as a store can be. */
function createMapFactStore(): FactStore {
  const facts = new Map<string, unknown>();
  const nameOf = (kind: FactKind, id: string) => `${kind} ${id}`;
  const put = (fact: Fact) => void facts.set(nameOf(fact.kind, fact.id), fact.document);
  return {
    async insert(fact, { with: companions = [], removing, onVisible }) {
      if (facts.has(nameOf(fact.kind, fact.id))) return false;
      companions.forEach(put);
      put(fact);
      if (removing) facts.delete(nameOf(removing.kind, removing.id));
      onVisible?.();
      return true;
    },
    async insertAll(some) {
      for (const fact of some) if (!facts.has(nameOf(fact.kind, fact.id))) put(fact);
    },
    get: async (kind, id) => facts.get(nameOf(kind, id)) as never,
    async pick(kind, ids) {
      const found = ids.map((id) => [id, facts.get(nameOf(kind, id))] as const);
      return new Map(found.filter(([, document]) => document !== undefined)) as never;
    },
    put: async (fact) => put(fact),
    remove: async (kind, id) => void facts.delete(nameOf(kind, id)),
    scan: async () => [],
    count: async () => 0,
    ping: async () => {},
    close: async () => {},
  };
}

const stage = fc.constantFrom(...STAGES);
/** Whatever workers, clients and time may do to a job, in any order: dead workers and late ones included. */
const step = fc.oneof(
  fc.record({ type: fc.constant('claim' as const), stage }),
  fc.record({ type: fc.constant('heartbeat' as const), which: fc.nat(5) }),
  fc.record({ type: fc.constant('release' as const), which: fc.nat(5), how: fc.constantFrom('handed_back', 'failed') }),
  fc.record({ type: fc.constant('saved' as const) }),
  fc.record({ type: fc.constant('cancel' as const) }),
  fc.record({ type: fc.constant('finish' as const), which: fc.nat(5), status: fc.constantFrom(...FINAL_STATUSES) }),
  fc.record({ type: fc.constant('wait' as const), ms: fc.nat(1_500) }),
);

/** One way through every change that is looked for below: chance finds most of them, and not always all. */
const EVERY_CHANGE: (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[] = [
  { type: 'claim', stage: 'save' },
  { type: 'release', which: 0, how: 'handed_back' },
  { type: 'claim', stage: 'save' },
  { type: 'saved' },
  { type: 'claim', stage: 'exec' },
  { type: 'release', which: 2, how: 'handed_back' },
  { type: 'claim', stage: 'exec' },
  { type: 'finish', which: 3, status: 'succeeded' },
];

test('whatever happens to a job, its status only ever changes as the table of transitions says', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      let nowMs = 1_000_000;
      const store = createJobStore({ facts: createMapFactStore(), leaseMs: 1_000, maxAttempts: 3, now: () => nowMs });
      const job = aJob();
      await store.insert(job);
      const claims: Claim[] = [];
      let before: Status = 'accepted';
      let results = 0;
      for (const action of steps) {
        const claim = 'which' in action ? claims[action.which] : undefined;
        if (action.type === 'wait') nowMs += action.ms;
        if (action.type === 'cancel') await store.cancel(job.id);
        if (action.type === 'heartbeat' && claim) await store.heartbeat(claim, 'w');
        if (action.type === 'release' && claim) await store.release(claim, 'w', action.how as 'failed');
        // Whoever saved held a claim, if not any more; so did whoever ran it, or nobody did (attempt 0).
        if (action.type === 'saved' && claims.some((each) => each.stage === 'save'))
          await store.markSaved(job.id, { artifactDigest: '' });
        if (action.type === 'finish' && (await store.finish(job.id, claim?.attempt ?? 0, aResult(action.status))))
          results += 1;
        if (action.type === 'claim' && (action.stage === 'save' || (await store.saved(job.id)))) {
          const asked = await store.claim(job.id, action.stage, 'w');
          if (asked.outcome === 'claimed') claims.push(asked.claim);
        }
        const view = await store.get(job.id);
        assert.ok(view);
        const after = view.status;
        if (after !== before) {
          assert.ok(!isFinal(before), `${before} is final, and became ${after}`);
          assert.ok(TRANSITIONS[before].includes(after), `${before} became ${after}`);
          seen.add(`${before} ${isFinal(after) ? 'final' : after}`);
        }
        assert.equal(isOver(view), view.result !== undefined);
        assert.equal((await store.standings([job.id])).get(job.id)?.status, after);
        before = after;
      }
      assert.ok(results <= 1);
    }),
    { numRuns: 2_000, examples: [[EVERY_CHANGE]] },
  );
  // A check that saw nothing would pass as well.
  for (const change of [
    'accepted saving',
    'saving accepted',
    'saving queued',
    'queued running',
    'running queued',
    'running final',
  ])
    assert.ok(seen.has(change), `never seen: ${change}`);
});
