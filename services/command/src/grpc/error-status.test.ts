/** What clients read of an error over gRPC, in the standard form, and that it always fits into what they take. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, type ErrorCode, RunlaneError } from '@runlane/contract';
import { readDetails } from '../testing/error-details.js';
import { toErrorStatus } from './error-status.js';

/** What gRPC's C core takes without refusing the call. */
const MOST_TRAILERS_BYTES = 8_192;

test('every code is told as it is, and says how long to wait exactly where a retry may succeed', () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const told = toErrorStatus(new RunlaneError(code, 'it is so'));
    const { status, info, retry, violations } = readDetails(told);
    assert.deepEqual([told.code, told.details], [ERRORS[code].grpc, 'it is so']);
    assert.deepEqual([status.code, status.message], [told.code, told.details]);
    assert.deepEqual([info?.reason, info?.domain], [code, 'runlane.dev']);
    assert.equal(retry !== undefined, ERRORS[code].retryable, code);
    assert.deepEqual(violations, []);
  }
});

test('a time after which to come back is told in seconds', () => {
  const told = toErrorStatus(new RunlaneError('QUEUE_FULL', 'later', { retryAfterSeconds: 5 }));
  assert.equal(readDetails(told).retry?.retryDelay?.seconds, 5);
  assert.deepEqual(told.metadata?.get('retry-after'), ['5']);
});

test('every bad field is named with its reason', () => {
  const fields = [
    { field: 'limits.wallTimeMs', reason: 'is too much' },
    { field: 'args[0]', reason: 'must not hold NUL' },
  ];
  const { violations } = readDetails(toErrorStatus(new RunlaneError('INVALID_REQUEST', 'bad', { fields })));
  assert.deepEqual(
    violations.map(({ field, description }) => ({ field, reason: description })),
    fields,
  );
});

const MESSAGES = [
  ['plain', 'x'.repeat(2_000)],
  ['all escaped', ' "'.repeat(1_000)],
  ['of other alphabets', '日本語😀'.repeat(500)],
  ['cut within a character', `${'x'.repeat(1_999)}\ud83d`],
] as const;

for (const [what, message] of MESSAGES)
  test(`however long, an error fits into what clients take: a message ${what}`, () => {
    const fields = Array.from({ length: 100 }, (_, index) => ({ field: `files[${index}].path`, reason: message }));
    const short = Array.from({ length: 100 }, (_, index) => ({ field: `files[${index}].path`, reason: 'is bad' }));
    for (const some of [fields, short]) {
      const { details = '', metadata } = toErrorStatus(new RunlaneError('INVALID_REQUEST', message, { fields: some }));
      const bytes = encodeURI(details).length + (metadata?.get('grpc-status-details-bin')[0]?.length ?? 0) * (4 / 3);
      assert.ok(bytes < MOST_TRAILERS_BYTES - 500, `${bytes} bytes`);
      assert.equal(readDetails({ ...(metadata && { metadata }) }).status.message, details);
    }
    assert.ok(
      readDetails(toErrorStatus(new RunlaneError('INVALID_REQUEST', 'bad', { fields: short }))).violations.length > 60,
    );
  });
