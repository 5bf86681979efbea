/** The environment, read through one table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentFor, readConfig } from './config.js';

test('what is unset or empty takes its default, and a service may have its own', () => {
  assert.deepEqual(readConfig({ HOST: '' }, ['HOST', 'HTTP_PORT', 'REDIS_URL'], { HTTP_PORT: '3001' }), {
    HOST: '127.0.0.1',
    HTTP_PORT: 3001,
  });
});

test('every bad variable is named at once', () => {
  const env = { HTTP_PORT: '70000', MONGO_URL: 'redis://x', LEASE_SECONDS: 'soon', LOG_LEVEL: 'loud' };
  assert.throws(
    () => readConfig(env, ['HTTP_PORT', 'MONGO_URL', 'LEASE_SECONDS', 'LOG_LEVEL']),
    (error: Error) => {
      for (const name of Object.keys(env)) assert.ok(error.message.includes(`${name}="`), error.message);
      return true;
    },
  );
});

test('a bad variable that is asked for twice is named once', () => {
  assert.throws(
    () => readConfig({ LEASE_SECONDS: 'soon' }, ['LEASE_SECONDS', 'HOST', 'LEASE_SECONDS']),
    ({ message }: Error) => message.split('LEASE_SECONDS=').length === 2,
  );
});

test('times are read in the unit of their name and given in milliseconds', () => {
  const { LEASE_SECONDS, RETENTION_HOURS } = readConfig({ LEASE_SECONDS: '2', RETENTION_HOURS: '1' }, [
    'LEASE_SECONDS',
    'RETENTION_HOURS',
  ]);
  assert.deepEqual([LEASE_SECONDS, RETENTION_HOURS], [2_000, 3_600_000]);
});

test('a service is passed its own variables, not the addresses of the store and the queue', () => {
  const env = {
    PATH: '/bin',
    RUNNER_SLOTS: '2',
    MONGO_URL: 'mongodb://user:secret@host',
    REDIS_URL: 'redis://:secret@host',
    WEBHOOK_SECRET: 'whsec_x',
    SECRET: 'x',
  };
  assert.deepEqual(environmentFor('runner', env), { PATH: '/bin', RUNNER_SLOTS: '2' });
});

const secret = (bytes: number) => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;

test('a secret is read as bytes, several separated by blanks', () => {
  const { WEBHOOK_SECRET } = readConfig({ WEBHOOK_SECRET: ` ${secret(24)}  ${secret(32)}` }, ['WEBHOOK_SECRET']);
  assert.deepEqual(
    WEBHOOK_SECRET?.map(({ length }) => length),
    [24, 32],
  );
  assert.equal(readConfig({}, ['WEBHOOK_SECRET']).WEBHOOK_SECRET, undefined);
});

for (const [what, bad] of [
  ['without its prefix', Buffer.alloc(24, 7).toString('base64')],
  ['that is too short', secret(23)],
  ['that is no base64', 'whsec_?????????????????????????????????'],
  ['beside a bad one', `${secret(24)} ${secret(8)}`],
] as const) {
  test(`a secret ${what} is refused, and not repeated`, () => {
    assert.throws(
      () => readConfig({ WEBHOOK_SECRET: bad }, ['WEBHOOK_SECRET']),
      ({ message }: Error) => message.includes('WEBHOOK_SECRET="…"') && !message.includes(bad),
    );
  });
}

test('what is no network to be called is refused by name', () => {
  assert.throws(
    () => readConfig({ WEBHOOK_ALLOWED_NETWORKS: '10.0.0.0/8,10.0.0.1' }, ['WEBHOOK_ALLOWED_NETWORKS']),
    /WEBHOOK_ALLOWED_NETWORKS=/,
  );
});
