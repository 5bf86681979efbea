/** The code in docs/webhooks.md, run as it is written against messages that are signed as a worker signs them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { signaturesOf } from '../services/worker/dist/callback/sign.js';

const run = promisify(execFile);
const page = readFileSync(new URL('../docs/webhooks.md', import.meta.url), 'utf8');
const codeIn = (language) => page.match(new RegExp(`\n\`\`\`${language}\n([\\s\\S]*?)\`\`\``))[1];

const folder = mkdtempSync(join(tmpdir(), 'runlane-webhooks-page-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const [ours, others] = [randomBytes(32), randomBytes(32)];
const secret = `whsec_${ours.toString('base64')}`;
const body = JSON.stringify({ id: 'x', result: { stdout: 'Grüße\n' } });
const now = Math.floor(Date.now() / 1_000);

function message({ secrets = [ours], id = 'msg_x', timestamp = now, signed = body } = {}) {
  const signature = signaturesOf({ id, timestamp, body: signed }, secrets);
  return { 'webhook-id': id, 'webhook-timestamp': `${timestamp}`, 'webhook-signature': signature };
}

/** What is sent, and what is to be found wrong with it; nothing where it is good. */
const MESSAGES = {
  'signed with our secret': [message()],
  'signed with an old and a new secret': [message({ secrets: [others, ours] })],
  'signed with another secret': [message({ secrets: [others] }), /not signed/],
  'with another body': [message({ signed: '{}' }), /not signed/],
  'with another id': [{ ...message(), 'webhook-id': 'msg_y' }, /not signed/],
  'with another time': [{ ...message(), 'webhook-timestamp': `${now - 1}` }, /not signed/],
  'ten minutes old': [message({ timestamp: now - 600 }), /too old/],
  'from the future': [message({ timestamp: now + 600 }), /too old/],
  'without a time': [{ ...message(), 'webhook-timestamp': 'x' }, /too old/],
  'without a signature': [{ 'webhook-id': 'msg_x', 'webhook-timestamp': `${now}` }, /not signed/],
  'without any header': [{}, /too old/],
};

/** Each prints the job that it took. */
const VERIFIERS = {
  'Node.js': async (headers) => {
    const file = join(folder, 'verify.mjs');
    const call = `console.log(JSON.stringify(verify(${JSON.stringify(headers)}, ${JSON.stringify(body)}, '${secret}')));`;
    writeFileSync(file, `${codeIn('js')}\n${call}`);
    return run(process.execPath, [file]);
  },
  Python: async (headers) => {
    const file = join(folder, 'verify.py');
    const call = `print(json.dumps(verify(${JSON.stringify(headers)}, ${JSON.stringify(body)}.encode(), "${secret}")))`;
    writeFileSync(file, `${codeIn('python')}\n${call}\n`);
    return run('/usr/bin/python3', [file]);
  },
};

for (const [language, verify] of Object.entries(VERIFIERS)) {
  for (const [what, [headers, wrong]] of Object.entries(MESSAGES)) {
    test(`in ${language}, a message ${what} is ${wrong ? 'refused' : 'taken'}`, async () => {
      if (wrong) await assert.rejects(verify(headers), ({ stderr }) => wrong.test(stderr));
      else assert.deepEqual(JSON.parse((await verify(headers)).stdout), JSON.parse(body));
    });
  }
}
