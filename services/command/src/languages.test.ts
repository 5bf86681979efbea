/** Which languages clients are told of, and which of them a job may ask for: in both doors. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { execution, LanguageJson, ProblemJson } from '@runlane/contract';
import type { OfferedLanguage } from '@runlane/core';
import { openTestDoors, type TestDoors } from './testing/command-doors.js';

const opened: TestDoors[] = [];
afterEach(async () => {
  for (const doors of opened.splice(0)) await doors.close();
});

interface Runner {
  readonly languages: readonly Partial<OfferedLanguage>[];
  readonly isAway?: boolean;
}

async function withRunners(...runners: readonly Runner[]): Promise<TestDoors> {
  const doors = await openTestDoors({}, { withRunner: false });
  opened.push(doors);
  for (const [index, { languages, isAway = false }] of runners.entries()) {
    await doors.ports.store.putRunner(`runner-${index}`, {
      languages: languages.map((language) => ({
        name: 'python',
        version: '',
        aliases: [],
        entry: 'main',
        defaultLimits: {},
        maximumLimits: {},
        ...language,
      })),
      slots: 1,
      isolation: { driver: 'none', summary: 'none', weak: false, layers: [] },
      seenAtMs: Date.now() - (isAway ? 60_000 : 0),
    });
  }
  return doors;
}

const CPP = { name: 'cpp', title: 'C++', aliases: ['c++'], compiled: true };
const NO_CPP = { ...CPP, unavailableReason: 'g++ is missing; install it' };
const CPP_12 = { ...CPP, version: '12.2.0' };
const python = (...versions: string[]) => versions.map((version) => ({ name: 'python', version }));

async function listed({ baseUrl }: TestDoors): Promise<LanguageJson[]> {
  const { languages } = (await (await fetch(`${baseUrl}/v1/languages`)).json()) as { languages: LanguageJson[] };
  return languages;
}

function submit({ baseUrl }: TestDoors, program: Record<string, unknown>): Promise<Response> {
  const headers = { 'Content-Type': 'application/json' };
  return fetch(`${baseUrl}/v1/jobs`, { method: 'POST', headers, body: JSON.stringify({ code: 'x', ...program }) });
}

async function refusalOf(response: Response) {
  const { code, errors } = (await response.json()) as ProblemJson;
  return { status: response.status, code, errors };
}

test('a language that no runner can run is listed with the reason, and a job for it is refused with it', async () => {
  const doors = await withRunners({ languages: [NO_CPP, ...python('3.11.2')] });
  const [cpp, py] = await listed(doors);
  assert.deepEqual(cpp, {
    name: 'cpp',
    title: 'C++',
    version: '',
    aliases: ['c++'],
    entry: 'main',
    compiled: true,
    terminal: false,
    available: false,
    unavailableReason: 'g++ is missing; install it',
    defaultLimits: {},
    maximumLimits: {},
  });
  assert.deepEqual([py?.title, py?.compiled, py?.available, py?.unavailableReason], ['python', false, true, undefined]);
  for (const language of ['cpp', 'C++'])
    for (const version of [undefined, '12'])
      assert.deepEqual(await refusalOf(await submit(doors, { language, version })), {
        status: 400,
        code: 'INVALID_REQUEST',
        errors: [
          {
            field: 'language',
            reason: 'C++ cannot be run here: g++ is missing; install it; there is python',
          },
        ],
      });
});

test('gRPC tells the same of languages', async () => {
  const doors = await withRunners({ languages: [NO_CPP, CPP_12, ...python('3.11.2')] }, { languages: [NO_CPP] });
  const { client } = doors;
  const { languages } = await new Promise<execution.ListLanguagesResponse>((resolve, reject) => {
    client.listLanguages({}, (error, response) => (error ? reject(error) : resolve(response)));
  });
  assert.deepEqual(
    languages.map(({ name, title, version, compiled, available, unavailableReason }) => [
      [name, title, version].join(' '),
      compiled,
      available,
      unavailableReason,
    ]),
    [
      ['cpp C++ 12.2.0', true, true, ''],
      ['python python 3.11.2', false, true, ''],
    ],
  );
});

test('a language whose runner is away is said to be so, and its jobs are accepted, though another runner cannot', async () => {
  const doors = await withRunners({ languages: [CPP_12], isAway: true }, { languages: [NO_CPP] });
  const languages = await listed(doors);
  assert.deepEqual(
    languages.map(({ version, available }) => [version, available]),
    [['12.2.0', false]],
  );
  assert.match(languages[0]?.unavailableReason ?? '', /no runner that has it is connected/);
  assert.equal((await submit(doors, { language: 'cpp', version: '^12' })).status, 202);
});

test('a version has a terminal where one of its runners has, whichever was seen last', async () => {
  const terminal = { name: 'python', version: '3.11.2', terminal: true };
  const none = { ...terminal, terminal: false };
  const broken = { ...terminal, name: 'lua', unavailableReason: 'it is broken' };
  const doors = await withRunners({ languages: [terminal] }, { languages: [none] }, { languages: [none, broken] });
  const told = (await listed(doors)).map((language) => [language.name, language.terminal, language.available]);
  assert.deepEqual(told, [
    ['lua', true, false],
    ['python', true, true],
  ]);
  const interactive = { terminal: { rows: 24, columns: 80 } };
  assert.equal((await submit(doors, { language: 'python', interactive })).status, 202);
});

test('a name always means the language that has it, whatever another runner gives as an alias', async () => {
  const greedy = { name: 'aaa', version: '1', aliases: ['python', 'cpp', 'py'], maximumLimits: { wallTimeMs: 1 } };
  const doors = await withRunners({ languages: [greedy] }, { languages: [NO_CPP, ...python('3.11.2')] });
  const languageOf = async (language: string) =>
    ((await (await submit(doors, { language })).json()) as { language: string }).language;
  assert.equal(await languageOf('Python'), 'python');
  assert.equal(await languageOf('py'), 'aaa');
  const { errors } = await refusalOf(await submit(doors, { language: 'cpp' }));
  assert.match(errors?.[0]?.reason ?? '', /^C\+\+ cannot be run here/, 'nor where it cannot be run');
});

test('an alias of two languages means one of them, and one that can be run', async () => {
  const one = { name: 'one', aliases: ['x'], unavailableReason: 'it is missing' };
  const two = { name: 'two', version: '2', aliases: ['x'] };
  const three = { name: 'three', version: '9', aliases: ['x'] };
  const doors = await withRunners({ languages: [one, two] }, { languages: [three], isAway: true });
  const job = (await (await submit(doors, { language: 'x' })).json()) as { language: string };
  assert.equal(job.language, 'two');
});

test('where no language can be run, that is said', async () => {
  const doors = await withRunners({ languages: [NO_CPP] });
  const { errors } = await refusalOf(await submit(doors, { language: 'python' }));
  assert.deepEqual(errors, [{ field: 'language', reason: '"python" is not a language here; there is none' }]);
});

/** Limits tell which version was found: each has its own. */
const withLimit = (version: string, wallTimeMs: number) => ({ version, maximumLimits: { wallTimeMs } });

for (const [version, maximumMs] of [
  [undefined, 11],
  ['', 11],
  ['3', 13],
  ['3.11', 11],
  ['^3.10', 13],
  ['>=3 <3.12', 11],
  ['3.14', 14],
  ['>=3.14 <4', 14],
  ['4.2.2.1', 4],
] as const) {
  test(`limits are judged by the version that "${version ?? 'nothing'}" means`, async () => {
    const doors = await withRunners(
      { languages: [withLimit('3.14.0', 14)], isAway: true },
      { languages: [withLimit('3.11.2', 11), withLimit('3.13.1', 13), withLimit('4.2.2.1', 4)] },
    );
    const { errors } = await refusalOf(await submit(doors, { version, limits: { wallTimeMs: 1_000 } }));
    assert.deepEqual(errors, [{ field: 'limits.wallTimeMs', reason: `must be at most ${maximumMs}` }]);
  });
}

test('a range that cannot be read is refused with examples and with what there is', async () => {
  const doors = await withRunners({ languages: python('3.11.2', '3.13.1') });
  const { errors } = await refusalOf(await submit(doors, { version: 'newest' }));
  assert.deepEqual(errors, [
    {
      field: 'version',
      reason:
        'must be a version or a range of versions, such as "3", "3.11", "^3.10", ">=17 <22" or "3.x"; there is 3.13.1, 3.11.2',
    },
  ]);
});

test('the job says the range that was asked for', async () => {
  const doors = await withRunners({ languages: python('3.11.2') });
  const job = (await (await submit(doors, { version: '>=3 <4' })).json()) as { version: string };
  assert.equal(job.version, '>=3 <4');
});
