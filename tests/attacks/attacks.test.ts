/**
 * The attacks of `programs/` on every sandbox that can be had here, and on one that is weak on purpose: there they must
 * succeed, else this suite would be blind.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runPython } from '@runlane/runner-host/testing';
import { ATTACKS, type Attack } from './attacks.js';
import { type Canaries, newSecret, openCanaries } from './canaries.js';
import { DRIVERS, ONE_SLOT } from './drivers.js';
import { EXCEPTIONS, exceptionOf } from './exceptions.js';
import { judge } from './judge.js';
import { createTarget, PROGRAMS, type Target } from './target.js';
import { openWeakJail } from './weak-jail.js';

/** Attacks that run beside each other: more would only wait for a processor. */
const AT_ONCE = 4;
const THREAT_MODEL = fileURLToPath(new URL('../../../docs/threat-model.md', import.meta.url));

/** Longest that a process of a run on the weak jail is waited for: there, they do outlive it. */
const WEAK_PATIENCE_MS = 200;
/** Attacks that come to nothing on the weak jail too, and what stops them there. */
const HELD_ALL_THE_SAME: Readonly<Record<string, string>> = {
  'closes-its-streams': 'harmless: what is asked is that its end is told as it was',
  'lazy-memory': 'harmless: what is asked is that it is no offence',
  'huge-input': 'harmless: what is asked is that nobody trips over it',
  'input-games': 'harmless: what is asked is that nobody trips over it',
  'tiny-writes': 'a machine with two processors gathers small writes by being late',
  'overwrites-the-runtime':
    "the files of the host's interpreter belong to the host's root, and the control is not root",
};

async function openWeak(host: Canaries): Promise<Target> {
  const { opened, canaries } = await openWeakJail(host);
  return createTarget(opened, canaries, WEAK_PATIENCE_MS);
}

/** What a program says of itself: its first line. */
function sentence(attack: Attack): string {
  const first = readFileSync(`${PROGRAMS}${attack.name}.py`, 'utf8').split('\n')[0] ?? '';
  return `${attack.name}: ${first.replaceAll('"""', '')}`;
}

for (const driver of DRIVERS) {
  describe(`attacks on the ${driver.name}`, { skip: driver.missing ?? false }, () => {
    let canaries: Canaries;
    let target: Target;
    before(async () => {
      canaries = await openCanaries();
      target = await createTarget(await driver.open(), canaries);
    });
    after(async () => {
      await target?.close();
      await canaries?.close();
    });

    const tryIt = (attack: Attack) =>
      test(sentence(attack), async () => {
        const wrong = judge(attack, await target.attack(attack));
        const harm = await target.aftermath();
        const exception = exceptionOf(attack.name, driver.name, target.opened.sandbox.description);
        if (exception) assert.notDeepEqual(wrong, [], `it holds here: take it off the exceptions (${exception.why})`);
        else assert.deepEqual(wrong, []);
        assert.deepEqual(harm, []);
      });

    describe('several at once', { concurrency: AT_ONCE }, () => {
      for (const attack of ATTACKS) if (!attack.alone) tryIt(attack);
    });
    describe('alone', () => {
      for (const attack of ATTACKS) if (attack.alone) tryIt(attack);
    });
  });
}

for (const driver of ONE_SLOT) {
  test(`nothing is left of the run before in the ${driver.name}`, { skip: driver.missing ?? false }, async () => {
    const { sandbox, close } = await driver.open();
    const helper = readFileSync(`${PROGRAMS}attempt.py`);
    const finder = readFileSync(`${PROGRAMS}memory-of-the-service.py`, 'utf8');
    const ATTACK = JSON.stringify({ mark: 'atkfinder' });
    const find = async (secret: string) => {
      const { stdout, stderr } = await runPython(sandbox, finder, {
        env: { ATTACK, ...(secret && { SECRET: secret }) },
        files: { 'attempt.py': helper },
      });
      assert.equal(stderr.toString(), '');
      return JSON.parse(stdout.toString());
    };
    try {
      const secret = newSecret();
      for (let round = 0; round < 3; round += 1) {
        const { text } = await runPython(
          sandbox,
          `import sys\nprint(input())\nprint(sys.argv[1])\nsys.exit(3)\n# ${secret}`,
          {
            args: [secret],
            env: { SECRET: secret },
            stdin: secret,
            files: { secret, [secret]: secret },
          },
        );
        assert.equal(text, `${secret}\n${secret}`);
        const { found, shared, runs } = await find('');
        assert.deepEqual([found, shared, runs], [[], [], []]);
      }
      assert.deepEqual((await find(secret)).found, [secret], 'control: what is there is found');
    } finally {
      await close();
    }
  });
}

test('every program is an attack of the table, and every attack has its program', () => {
  const programs = readdirSync(PROGRAMS).filter((name) => name.endsWith('.py'));
  const names = programs
    .map((name) => name.slice(0, -'.py'.length))
    .filter((name) => name !== 'attempt' && name !== 'peer');
  assert.deepEqual(names.sort(), ATTACKS.map(({ name }) => name).sort());
});

test('the threat model names every attack, and every exception with its reason', () => {
  const text = readFileSync(THREAT_MODEL, 'utf8');
  const missing = ATTACKS.filter(({ name }) => !text.includes(`| \`${name}\` |`)).map(({ name }) => name);
  assert.deepEqual(missing, []);
  const exceptions = text.slice(text.indexOf('### Exceptions'));
  for (const { attack, why } of EXCEPTIONS) {
    assert.ok(exceptions.includes(`\`${attack}\``), `docs/threat-model.md does not say that ${attack} is not held`);
    assert.ok(exceptions.includes(why), `docs/threat-model.md does not say why ${attack} is not held: ${why}`);
  }
});

describe('attacks on a jail that is weak on purpose', () => {
  let canaries: Canaries;
  let target: Target | undefined;
  before(async () => {
    canaries = await openCanaries();
  });
  after(async () => {
    await target?.close();
    await canaries?.close();
  });

  for (const attack of ATTACKS) {
    if (HELD_ALL_THE_SAME[attack.name]) continue;
    test(`${attack.name} gets through`, async () => {
      target ??= await openWeak(canaries);
      const wrong = judge(attack, await target.attack(attack));
      const harm = await target.aftermath();
      assert.notDeepEqual([...wrong, ...harm], []);
      // What it broke is not to be counted for the next one.
      if (harm.length > 0) {
        await target.close();
        target = undefined;
      }
    });
  }
});
