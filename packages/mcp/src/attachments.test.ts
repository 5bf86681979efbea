/** Which files a model gets, and as what, with a server that has whatever is asked for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Client, type Job, RunlaneError } from '@runlane/client';
import { attachFiles, BOUNDS } from './attachments.js';

const PNG = Buffer.from('89504e470d0a1a0a', 'hex');

async function attach(files: Record<string, Buffer | Error>, contentType = 'application/octet-stream') {
  const asked: string[] = [];
  const client = {
    async file(_id: string, path: string) {
      asked.push(path);
      const found = files[path];
      if (found instanceof Error) throw found;
      return new Response(Uint8Array.from(found ?? []));
    },
  } as Partial<Client> as Client;
  const produced = Object.entries(files).map(([path, bytes]) => {
    return { path, sizeBytes: bytes instanceof Error ? 1 : bytes.length, contentType, sha256: '' };
  });
  const job = { id: 'j1', result: { files: produced } } as unknown as Job;
  const attached = await attachFiles(job, { client, url: 'http://there' }, new AbortController().signal);
  return { ...attached, asked, kinds: attached.files.map((file) => file.attached) };
}

test('a picture is what begins like one, whatever its name says', async () => {
  const { content, kinds } = await attach({ 'a.jpg': PNG, 'b.png': Buffer.from('no picture') }, 'image/jpeg');
  assert.deepEqual(kinds, ['image', 'text']);
  assert.deepEqual(content[0], { type: 'image', data: PNG.toString('base64'), mimeType: 'image/png' });
  assert.equal(content[1]?.type, 'resource');
});

test('text is text, bytes are base64, and each says where it is', async () => {
  const { content } = await attach({ 'a b/ü.txt': Buffer.from('ü'), c: Buffer.from([0, 1]) });
  const mimeType = 'application/octet-stream';
  assert.deepEqual(content, [
    { type: 'resource', resource: { uri: 'http://there/v1/jobs/j1/files/a%20b/%C3%BC.txt', mimeType, text: 'ü' } },
    { type: 'resource', resource: { uri: 'http://there/v1/jobs/j1/files/c', mimeType, blob: 'AAE=' } },
  ]);
});

test('text that is too long for text comes as bytes, and what is too large is not even read', async () => {
  const { kinds, asked } = await attach({
    long: Buffer.alloc(BOUNDS.text.each + 1, 'x'),
    large: Buffer.alloc(BOUNDS.blob.each + 1, 'x'),
  });
  assert.deepEqual(kinds, ['blob', 'no']);
  assert.deepEqual(asked, ['long']);
});

test('all files of a kind have a bound together, and their number has one', async () => {
  const each = Buffer.alloc(BOUNDS.text.each, 'x');
  assert.deepEqual((await attach({ a: each, b: each, c: each })).kinds, ['text', 'text', 'no']);
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`${n}`, Buffer.from('x')]));
  assert.equal((await attach(many)).content.length, 16);
});

test('a file that is gone leaves the others and the output', async () => {
  const { kinds } = await attach({ gone: new RunlaneError('FILE_GONE', 'gone'), there: Buffer.from('x') });
  assert.deepEqual(kinds, ['no', 'text']);
});
