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
    SECRET: 'x',
  };
  assert.deepEqual(environmentFor('runner', env), { PATH: '/bin', RUNNER_SLOTS: '2' });
});
