import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import type { Program } from './program.js';
import { fromFragment, LinkError, toFragment } from './share.js';

const PROGRAM: Program = {
  language: 'python',
  version: '>=3.10 <4',
  files: [
    { path: 'main.py', content: 'print("Grüße, 世界 👋")\n' },
    { path: 'lib/greet.py', content: '' },
  ],
  entry: 'lib/greet.py',
  stdin: 'one\ntwo\n',
  args: '--name "Ada L"',
  talk: 'terminal',
  timeLimit: 2.5,
  memoryLimit: 64,
};
const linkTo = (value: unknown) => `#p=1.${deflateRawSync(JSON.stringify(value)).toString('base64url')}`;

test('a program comes back from its link as it was', async () => {
  assert.deepEqual(await fromFragment(await toFragment(PROGRAM)), PROGRAM);
});

test('a link has only characters that no chat or mail breaks', async () => {
  assert.match(await toFragment(PROGRAM), /^#p=1\.[\w-]+$/);
});

test('a large program is compressed', async () => {
  const content = 'print("the same line again")\n'.repeat(5_000);
  const fragment = await toFragment({ ...PROGRAM, files: [{ path: 'main.py', content }], entry: 'main.py' });
  assert.ok(fragment.length < content.length / 50, `${fragment.length}`);
});

test('a fragment that is none of ours is no program', async () => {
  for (const fragment of ['', '#', '#output', '#q=1.abc']) assert.equal(await fromFragment(fragment), undefined);
});

test('a fragment that is damaged is refused in words, whatever is wrong with it', async () => {
  const whole = await toFragment(PROGRAM);
  const damaged = [
    '#p=1.',
    '#p=1.%%%',
    '#p=2.abc',
    whole.slice(0, -10),
    linkTo('text'),
    linkTo(null),
    linkTo({ l: 'python' }),
    linkTo({ l: 'python', f: [] }),
    linkTo({ l: 7, f: [['a', 'b']] }),
    linkTo({ l: 'python', f: [['a']] }),
    linkTo({ l: 'python', f: [{ path: 'a', content: 'b' }] }),
    linkTo({ l: 'python', f: Array.from({ length: 65 }, () => ['a', 'b']) }),
  ];
  for (const fragment of damaged) await assert.rejects(fromFragment(fragment), LinkError, fragment.slice(0, 40));
});

test('what a link says beyond a program is left out, and what it cannot mean is the usual', async () => {
  const odd = { l: 'python', f: [['a.py', '']], e: 'nowhere.py', t: 'telepathy', w: -1, m: 'much', x: 1 };
  const program = await fromFragment(linkTo(odd));
  assert.deepEqual(
    { ...program },
    {
      language: 'python',
      version: '',
      files: [{ path: 'a.py', content: '' }],
      entry: 'a.py',
      stdin: '',
      args: '',
      talk: 'before',
      timeLimit: undefined,
      memoryLimit: undefined,
    },
  );
});

test('a small link that would fill the memory is refused', async () => {
  const bomb = `#p=1.${deflateRawSync(Buffer.alloc(64 * 1024 * 1024)).toString('base64url')}`;
  await assert.rejects(fromFragment(bomb), /more than a program can be/);
});
