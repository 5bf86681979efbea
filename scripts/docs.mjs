/**
 * Writes the documentation that is made from the code: `npm run docs`. With `--check` (`npm run docs:check`) it writes
 * nothing and fails when a page is not what the code says. It reads what was built, so build first.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const MADE_BY = '<!-- Written by `npm run docs` from SOURCE. Change it there. -->';

/** From the folders themselves: this is a script of the root, which depends on no workspace. */
const built = (path) => import(`${root}/${path}/dist/index.js`);
const { status: grpcStatus } = createRequire(`${root}/packages/contract/package.json`)('@grpc/grpc-js');

const table = (head, rows) => {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
};
const page = (source, title, ...parts) => `${[MADE_BY.replace('SOURCE', source), title, ...parts].join('\n\n')}\n`;

async function configuration() {
  const { VARIABLES } = await built('packages/core');
  const rows = Object.entries(VARIABLES).map(([name, { fallback, readBy, meaning }]) => [
    `\`${name}\``,
    fallback === undefined ? '–' : `\`${fallback}\``,
    readBy.join(', '),
    meaning,
  ]);
  return page(
    'packages/core/src/config.ts',
    '# Configuration',
    `Everything is an environment variable. An empty one counts as unset. A service that finds a bad value names every bad
one at once and does not start. \`npm start -- --env-file=FILE\` reads them from a file; what the environment itself says
comes first.`,
    `Read by: \`start\` is \`npm start\`, which hands them on to the processes that it starts; \`command\`, \`worker\` and
\`runner\` are the services by themselves, as in docker-compose.yml.`,
    table(['Variable', 'Default', 'Read by', 'Meaning'], rows),
  );
}

async function errors() {
  const { ERRORS } = await built('packages/contract');
  const rows = Object.entries(ERRORS).map(([code, { http, grpc, retryable, title }]) => [
    `\`${code}\``,
    http,
    `\`${grpcStatus[grpc]}\``,
    retryable ? 'yes' : 'no',
    title,
  ]);
  return page(
    'packages/contract/src/errors.ts',
    '# Errors',
    `A request that fails says why by one of these codes. They are stable and meant for programs: codes are added, never
renamed. Over REST, the code is \`code\` in a problem document (RFC 9457, \`application/problem+json\`), whose \`errors\` names
every bad field; over gRPC, it is the trailing metadata \`runlane-code\`. Where a retry may succeed, the header \`Retry-After\`
(metadata \`retry-after\`) says after how many seconds. gRPC's standard details say all of this too: [api.md](api.md#errors).`,
    `A program that crashes is none of these: it was run well, and its job ends \`failed\` (see [statuses](statuses.md)).`,
    table(['Code', 'HTTP', 'gRPC', 'Retry', 'Meaning'], rows),
    `A request that does not arrive in time gets HTTP 408 with the code \`INVALID_REQUEST\`. \`CANCELLED\` is for the log: whoever
would read it has gone.`,
  );
}

async function statuses() {
  const { STATUSES, TRANSITIONS, isFinal } = await built('packages/core');
  const { VERDICTS } = await built('packages/contract');
  const statusRows = enumRows('types.proto', 'JOB_STATUS', STATUSES);
  const rows = statusRows.map(([name, grpc, meaning], at) => [
    name,
    grpc,
    isFinal(STATUSES[at]) ? 'yes' : 'no',
    meaning,
  ]);
  const steps = Object.entries(TRANSITIONS).map(([from, to]) => {
    const open = to.filter((name) => !isFinal(name)).map((name) => `\`${name}\``);
    return [`\`${from}\``, `${open.join(', ')}${open.length > 0 ? ', or ' : ''}any final one`];
  });
  return page(
    'proto/runlane/v1 and packages/core/src/job-state.ts',
    '# Statuses of a job',
    table(['Status', 'gRPC', 'Final', 'Meaning'], rows),
    `A final status never changes. Before it, a status may step back: a worker died or handed the job back, and it waits for
the next one.`,
    table(['From', 'To'], steps),
    '## Verdicts on test cases',
    'In [test mode](judging.md), each case has one.',
    table(['Verdict', 'gRPC', 'Meaning'], enumRows('execution.proto', 'VERDICT', VERDICTS)),
  );
}

/** Names, numbers and meanings of an enum, whose comments in the contract are its documentation. */
function enumRows(file, prefix, names) {
  const pattern = new RegExp(`^ {2}// (.+)\\n {2}${prefix}_(\\w+) = (\\d+);`, 'gm');
  const meanings = new Map(
    [...read(`proto/runlane/v1/${file}`).matchAll(pattern)].map(([, meaning, name, number]) => [
      name.toLowerCase(),
      { meaning, number },
    ]),
  );
  return names.map((name) => {
    const { meaning, number } = meanings.get(name) ?? {};
    if (!meaning) throw new Error(`${file} says nothing of ${prefix}_${name.toUpperCase()}`);
    return [`\`${name}\``, `\`${prefix}_${name.toUpperCase()}\` = ${number}`, meaning];
  });
}

/** For editors: completion and checks while a manifest is written. */
async function manifestSchema() {
  const { runnerSchema } = await built('services/runners/host');
  return `${JSON.stringify(runnerSchema(), undefined, 2)}\n`;
}

async function languages() {
  const { readManifests } = await built('services/runners/host');
  const { usable, broken } = await readManifests(`${root}/services/runners`, []);
  if (broken.length > 0) throw new Error(broken.map(({ reason }) => reason).join('\n'));
  const rows = usable.map(({ name, title, aliases, compile, packages, image }) => [
    title,
    [name, ...aliases].map((each) => `\`${each}\``).join(', '),
    compile ? 'yes' : 'no',
    packages.map((each) => `\`${each}\``).join(', '),
    image ? `\`${image}\`` : '–',
  ]);
  return page(
    'services/runners/*/runner.json',
    '# Languages',
    `What a runner offers of these is what it finds on its machine: \`GET /v1/languages\` says which, in which versions, and
what is missing for the others.`,
    table(['Language', 'Names', 'Compiled', 'Debian packages', 'Container image'], rows),
  );
}

/** What each limit of the contract is, field by field: its schema says it in words or as a number. */
async function limits() {
  const { createOpenApiDocument, MAX_BATCH_BYTES, MINIMUM_LIMITS } = await built('packages/contract');
  const { MAX_PROGRAM_BYTES } = await import(`${root}/services/command/dist/rest/body.js`);
  const { DEFAULT_LIMITS, MAXIMUM_LIMITS, COMPILE_LIMITS } = await import(
    `${root}/services/runners/host/dist/limits.js`
  );
  const { VARIABLES } = await built('packages/core');
  const { schemas } = createOpenApiDocument('').components;
  const number = (value) => value.toLocaleString('en');
  const mib = (bytes) => `${bytes / 1024 / 1024} MiB`;
  const ofRun = Object.entries(DEFAULT_LIMITS).map(([name, usual]) => [
    `\`${name}\``,
    number(MINIMUM_LIMITS[name] ?? 1),
    number(usual),
    number(MAXIMUM_LIMITS[name]),
    // What can be set of compiling is less than what it is held to.
    name in schemas.Limits.properties.compile.properties ? number(COMPILE_LIMITS[name]) : '–',
    schemas.Limits.properties[name].description,
  ]);
  const ofRequest = ['NewJob', 'NewBatch'].flatMap((schema) =>
    Object.entries(schemas[schema].properties)
      .filter(([, { description = '' }]) => /at most/i.test(description))
      .map(([field, { description }]) => [`\`${schema}\``, `\`${field}\``, description]),
  );
  const configured = Object.entries(VARIABLES)
    .filter(([name]) =>
      /^(?:MAX_|EMBED_(?!ORIGINS)|RETENTION_|ARTIFACT_|DOWNLOAD_|RUNNER_SLOTS|WORKER_CONC|WEBHOOK_ATT)/.test(name),
    )
    .map(([name, { fallback, meaning }]) => [`\`${name}\``, fallback === undefined ? '–' : `\`${fallback}\``, meaning]);
  return page(
    'the schemas, services/runners/host/src/limits.ts and packages/core/src/config.ts',
    '# Limits',
    `Everything that a program, a request or a server may use has a bound. What is above one is refused with its name and the
bound, before anything is stored; a program that reaches one of its own is ended, and the [status](statuses.md) says which.`,
    '## Of a run',
    `\`limits\` of a job sets them. These are the usual values; a language may have others, which \`GET /v1/languages\` tells.
How exact each is: [sandbox.md](sandbox.md).`,
    table(['Limit', 'Least', 'Default', 'Most', 'Compiling', 'Meaning'], ofRun),
    '## Of a request',
    `A body may have ${mib(MAX_PROGRAM_BYTES)}, a batch ${mib(MAX_BATCH_BYTES)}. The exact rules of every field are in [/openapi.json](http://localhost:3000/openapi.json).`,
    table(['Of', 'Field', 'Meaning'], ofRequest),
    '## Of a server',
    'Set by whoever runs it: [configuration.md](configuration.md). What a key may use: [keys.md](keys.md#how-much-it-may-use).',
    table(['Variable', 'Default', 'Meaning'], configured),
  );
}

function read(path) {
  return readFileSync(`${root}/${path}`, 'utf8');
}

const PAGES = {
  'docs/configuration.md': configuration,
  'docs/errors.md': errors,
  'docs/statuses.md': statuses,
  'docs/languages.md': languages,
  'docs/limits.md': limits,
  'services/runners/runner.schema.json': manifestSchema,
};
const check = process.argv.includes('--check');
const stale = [];
for (const [path, make] of Object.entries(PAGES)) {
  const text = await make();
  if (check) {
    let found;
    try {
      found = read(path);
    } catch {
      found = undefined;
    }
    if (found !== text) stale.push(path);
  } else writeFileSync(`${root}/${path}`, text);
}
if (stale.length > 0) {
  console.error(`not what the code says: ${stale.join(', ')}; run \`npm run docs\` and commit what it writes`);
  process.exit(1);
}
