import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signaturesOf } from './sign.js';

/** The example of the Standard Webhooks specification. */
const MESSAGE = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: 1614265330,
  body: '{"test": 2432232314}',
};
const SECRET = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');

test('a message is signed as the specification has it', () => {
  assert.equal(signaturesOf(MESSAGE, [SECRET]), 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('of several secrets each signs, in their order', () => {
  const other = Buffer.alloc(24, 1);
  const [first, second] = signaturesOf(MESSAGE, [other, SECRET]).split(' ');
  assert.equal(first, signaturesOf(MESSAGE, [other]));
  assert.equal(second, signaturesOf(MESSAGE, [SECRET]));
});

test('whatever is changed changes the signature', () => {
  const signature = signaturesOf(MESSAGE, [SECRET]);
  for (const more of [{ id: 'msg_x' }, { timestamp: 1614265331 }, { body: '{"test": 2432232315}' }])
    assert.notEqual(signaturesOf({ ...MESSAGE, ...more }, [SECRET]), signature);
});
