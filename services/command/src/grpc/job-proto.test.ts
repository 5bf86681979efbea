import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execution } from '@runlane/contract';
import { toNewBatchInput } from './batch-proto.js';
import { toNewJobInput } from './job-proto.js';

test('a request whose maps came in another order is the same request to an idempotency key', () => {
  const program = (env: Record<string, string>, metadata: Record<string, string>) =>
    execution.Program.fromPartial({ code: 'print(1)', env, metadata });
  const one = program({ A: '1', B: '2' }, { x: '1', y: '2' });
  const other = program({ B: '2', A: '1' }, { y: '2', x: '1' });
  assert.equal(JSON.stringify(toNewJobInput(one)), JSON.stringify(toNewJobInput(other)));
  const batch = (first: execution.Program, metadata: Record<string, string>) =>
    JSON.stringify(toNewBatchInput(execution.SubmitBatchRequest.fromPartial({ jobs: [first], metadata })));
  assert.equal(batch(one, { x: '1', y: '2' }), batch(other, { y: '2', x: '1' }));
});
