/**
 * Everything that the environment may say, in one table: it is what services read, and what docs/configuration.md is made from.
 */
import { z } from 'zod';
import { isNetwork } from './addresses.js';
import { LOG_LEVELS } from './log.js';

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`);
const port = wholeNumber(0, 65_535);
const address = z.string().regex(/^(unix:\/.+|[^/]+:\d+)$/, 'must be host:port or unix:/path');
const seconds = (min: number, max: number) => wholeNumber(min, max).transform((value) => value * 1_000);
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);
const origins = list.refine(
  (items) => items.every((item) => URL.canParse(item) && new URL(item).origin === item),
  'must be origins such as https://docs.example.org, separated by commas',
);
const url = (protocols: RegExp, form: string) =>
  z.string().refine((text) => URL.canParse(text) && protocols.test(text), `must be an address such as ${form}`);

/** Language → image; "*" → the image of every other language. */
const images = list
  .refine(
    (items) => items.every((item) => /^([a-z][a-z0-9+#-]*=)?\w[\w./:@-]*$/.test(item)),
    'must be IMAGE or LANGUAGE=IMAGE',
  )
  .transform((items): ReadonlyMap<string, string> => {
    const pairs = items.map((item) => (item.includes('=') ? item : `*=${item}`).split('='));
    return new Map(pairs.map(([language = '', image = '']) => [language, image]));
  });

/** As Standard Webhooks writes keys; several while one takes another's place. */
const secrets = z
  .string()
  .transform((text) => text.trim().split(/\s+/))
  .refine(
    (words) => words.every((word) => /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(word) && keyOf(word).length >= 24),
    'must be whsec_ and the base64 of at least 24 bytes; several are separated by blanks',
  )
  .transform((words) => words.map(keyOf));
const keyOf = (word: string): Uint8Array => Buffer.from(word.slice('whsec_'.length), 'base64');
const onOrOff = z.enum(['0', '1']).transform((text) => text === '1');

/** What is not repeated in a message: an address may hold a password, and a key is one. */
const isSecret = (name: string) => /_(?:URL|KEY|SECRET|ENDPOINT|HEADERS)$/.test(name);

interface Variable {
  /** Reads the text of the variable. */
  readonly schema: z.ZodType<unknown, string>;
  /** Taken when the variable is unset or empty; undefined: there is none. */
  readonly fallback: string | undefined;
  readonly readBy: readonly ('start' | 'command' | 'worker' | 'runner')[];
  readonly meaning: string;
}

const EVERYBODY = ['start', 'command', 'worker', 'runner'] as const;
const PLATFORM = ['start', 'command', 'worker'] as const;

export const VARIABLES = {
  HTTP_PORT: {
    schema: port,
    fallback: '3000',
    readBy: PLATFORM,
    meaning:
      'Port of REST, docs and board (command), of health and metrics (worker: 3001 there). `npm start` gives its worker the next port. 0 takes any free one.',
  },
  GRPC_PORT: {
    schema: port,
    fallback: '50051',
    readBy: ['start', 'command', 'runner'],
    meaning:
      'Port of gRPC: of `ExecutionService` (command), of `RunnerService` (runner: 50052 there). 0 takes any free one.',
  },
  HOST: {
    schema: z.string(),
    fallback: '127.0.0.1',
    readBy: EVERYBODY,
    meaning: 'Address to listen on. Command listens on another than a loopback address only with `AUTH` set.',
  },
  AUTH: {
    schema: z.enum(['none', 'keys'], 'must be "keys", "none", or unset'),
    fallback: undefined,
    readBy: ['start', 'command'],
    meaning:
      '`keys`: whoever calls needs an API key ([keys.md](keys.md)). `none`: whoever reaches `HOST` may run programs and see every job, also from other machines: keep them out before you set it. When unset, no key is needed, and command listens on loopback addresses alone.',
  },
  ADMIN_KEY: {
    schema: z.string().regex(/^[\x21-\x7e]{32,256}$/, 'must be 32 to 256 visible ASCII characters'),
    fallback: undefined,
    readBy: ['start', 'command'],
    meaning:
      'With `AUTH=keys`: the key with which others are made, and the password of the board. `openssl rand -hex 32` gives a good one.',
  },
  TLS_CERT: {
    schema: z.string(),
    fallback: undefined,
    readBy: ['start', 'command'],
    meaning:
      'PEM file with the certificate of command, and those between it and its authority: with it, REST is HTTPS and gRPC is over TLS (see [tls.md](tls.md)). Needs `TLS_KEY`.',
  },
  TLS_KEY: {
    schema: z.string(),
    fallback: undefined,
    readBy: ['start', 'command'],
    meaning: 'PEM file with the private key of `TLS_CERT`, without a passphrase.',
  },
  CORS_ORIGINS: {
    schema: origins,
    fallback: '',
    readBy: ['start', 'command'],
    meaning:
      'Origins whose pages may send requests from a browser, separated by commas: `https://docs.example.org`. Pages of all others are refused.',
  },
  EMBED_ORIGINS: {
    schema: origins,
    fallback: '',
    readBy: ['start', 'command'],
    meaning:
      'Origins whose pages may have `<run-code>` on them, separated by commas: they may run programs, follow and cancel them, and nothing else ([playground.md](playground.md#on-other-pages)).',
  },
  EMBED_REQUESTS_PER_MINUTE: {
    schema: wholeNumber(1, 1_000_000_000),
    fallback: '600',
    readBy: ['start', 'command'],
    meaning:
      'Requests of a minute that readers of pages of `EMBED_ORIGINS` may make together, without a key of their own.',
  },
  EMBED_UNFINISHED_JOBS: {
    schema: wholeNumber(1, 1_000_000),
    fallback: '20',
    readBy: ['start', 'command'],
    meaning: 'Jobs without a result that they may have at once.',
  },
  EMBED_CPU_SECONDS_PER_DAY: {
    schema: wholeNumber(1, 1_000_000_000),
    fallback: '3600',
    readBy: ['start', 'command'],
    meaning: 'Processor time that their programs may use in 24 hours, in seconds.',
  },
  ALLOWED_HOSTS: {
    schema: list,
    fallback: 'localhost,127.0.0.1,[::1]',
    readBy: ['start', 'command', 'worker'],
    meaning:
      'Host names that HTTP requests may be addressed to, separated by commas; others get 421. Stops DNS rebinding.',
  },
  DATA_DIR: {
    schema: z.string(),
    fallback: 'data',
    readBy: ['start'],
    meaning: 'Folder of the embedded store and its artifacts; made when it is missing.',
  },
  MONGO_URL: {
    schema: url(/^mongodb(\+srv)?:/, 'mongodb://127.0.0.1:27017/runlane'),
    fallback: undefined,
    readBy: PLATFORM,
    meaning:
      'Keep jobs and artifacts in this MongoDB. Without it: in `DATA_DIR` (`npm start`); a service started by itself needs it.',
  },
  REDIS_URL: {
    schema: url(/^rediss?:/, 'redis://127.0.0.1:6379'),
    fallback: undefined,
    readBy: PLATFORM,
    meaning:
      'Queues (Bull) and feeds (streams) in this Redis. Without it: in memory (`npm start`); a service started by itself needs it.',
  },
  RUNNERS: {
    schema: list.pipe(z.array(address)),
    fallback: '127.0.0.1:50052',
    readBy: ['start', 'worker'],
    meaning:
      'Addresses of runners, separated by commas: `host:port` (every address behind the name is used) or `unix:/path`. With `npm start`: runners to use instead of its own.',
  },
  RUNNER_ADDRESS: {
    schema: address,
    fallback: undefined,
    readBy: ['runner'],
    meaning: 'Listen here, `host:port` or `unix:/path`, instead of on `HOST:GRPC_PORT`.',
  },
  RUNNER_TLS_CERT: {
    schema: z.string(),
    fallback: undefined,
    readBy: ['start', 'worker', 'runner'],
    meaning:
      'PEM file with the certificate by which a runner proves itself to workers, and a worker to runners, over TCP; not used on Unix sockets. Needs the two others (see [tls.md](tls.md)).',
  },
  RUNNER_TLS_KEY: {
    schema: z.string(),
    fallback: undefined,
    readBy: ['start', 'worker', 'runner'],
    meaning: 'PEM file with the private key of `RUNNER_TLS_CERT`, without a passphrase.',
  },
  RUNNER_TLS_CA: {
    schema: z.string(),
    fallback: undefined,
    readBy: ['start', 'worker', 'runner'],
    meaning:
      'PEM file with the authorities that must have signed the certificate of the other side: the runner’s for a worker, the worker’s for a runner.',
  },
  RUNNER_SLOTS: {
    schema: wholeNumber(1, 1_000),
    fallback: undefined,
    readBy: ['start', 'runner'],
    meaning: 'Programs that a runner executes at once; twice the number of processors, at least 4, when unset.',
  },
  RUNNER_PRELUDES: {
    schema: wholeNumber(0, 64),
    fallback: '2',
    readBy: ['start', 'runner'],
    meaning:
      'Interpreters that a runner keeps started for the next program, one for each of the languages used last that can have one.',
  },
  LANGUAGES: {
    schema: list,
    fallback: undefined,
    readBy: ['start', 'runner'],
    meaning:
      'Languages that the runner offers, separated by commas; all that it has a manifest for when unset. One that it has none for is refused at the start.',
  },
  SANDBOX: {
    schema: z.enum(['auto', 'jail', 'docker']),
    fallback: 'auto',
    readBy: ['start', 'runner'],
    meaning:
      'What keeps programs apart: the jail of the runner itself, or containers of a Docker engine (see [sandbox-docker.md](sandbox-docker.md)). `auto` takes the jail where that can isolate, else containers. Where neither can, the runner refuses to start.',
  },
  DOCKER_SOCKET: {
    schema: z.string().startsWith('/', 'must be an absolute path'),
    fallback: '/var/run/docker.sock',
    readBy: ['start', 'runner'],
    meaning: 'Socket of the Docker engine. Whoever may use it is as mighty as root on the machine of the engine.',
  },
  DOCKER_RUNTIME: {
    schema: z.string(),
    fallback: undefined,
    readBy: ['start', 'runner'],
    meaning:
      "Runtime of the containers, by the name that the engine knows it by, such as `runsc`; the engine's own when unset.",
  },
  DOCKER_IMAGES: {
    schema: images,
    fallback: undefined,
    readBy: ['start', 'runner'],
    meaning:
      "Images to use instead of the languages' own, separated by commas: `LANGUAGE=IMAGE`, or `IMAGE` for all languages that are not named. Each needs Python 3.9 or later on its PATH.",
  },
  DOCKER_POOL_SIZE: {
    schema: wholeNumber(0, 1_000),
    fallback: undefined,
    readBy: ['start', 'runner'],
    meaning: 'Containers of each image that wait for runs, started beforehand; as many as `RUNNER_SLOTS` when unset.',
  },
  JAIL_SOCKET: {
    schema: z.string(),
    fallback: undefined,
    readBy: ['runner'],
    meaning:
      'Socket of a jail service that is running already (`npm start` as root starts one); the runner starts its own when unset.',
  },
  JAIL_CGROUPS: {
    schema: z.string(),
    fallback: undefined,
    readBy: ['runner'],
    meaning:
      "Folder of a control group that is delegated to the runner's user, to make the groups of runs in (docs/sandbox-container.md); its own place when unset.",
  },
  RUN_DIR: {
    schema: z.string(),
    fallback: undefined,
    readBy: ['runner'],
    meaning:
      "Folder in which the runner makes one of its own for the socket of its jail service; the system's temporary folder when unset.",
  },
  RUNNER_UID: {
    schema: wholeNumber(1, 4_294_967_294),
    fallback: '65534',
    readBy: ['runner'],
    meaning: 'User id that the runner takes on when it was started as root and has started its jail service.',
  },
  LANGUAGES_DIR: {
    schema: z.string(),
    fallback: undefined,
    readBy: ['start', 'runner'],
    meaning: 'Folder of the languages, each a folder with a `runner.json`; `services/runners` when unset.',
  },
  TOOLCHAINS_DIR: {
    schema: z.string(),
    fallback: undefined,
    readBy: ['start', 'runner'],
    meaning:
      'Folder for what some toolchains make once, such as a compiled standard library; kept between starts, and made when it is missing. When unset, `npm start` keeps it in `/var/cache/runlane/toolchains` as root, else in `~/.cache/runlane/toolchains`, and a runner started by itself in a temporary folder.',
  },
  PYTHON_VENV: {
    schema: z.string().startsWith('/'),
    fallback: undefined,
    readBy: ['start', 'runner'],
    meaning: 'Folder of a virtual environment: Python programs run in its interpreter and find its packages.',
  },
  PYTHON_PRELOAD: {
    schema: list.pipe(z.array(z.string().regex(/^[A-Za-z_][\w.]*$/, 'must be names of modules'))),
    fallback: undefined,
    readBy: ['start', 'runner'],
    meaning:
      'Python modules that the runner imports once, separated by commas (`numpy,pandas`): a program that imports them shares what is there already.',
  },
  ARTIFACT_CACHE_MB: {
    schema: wholeNumber(1, 65_536).transform((mebibytes) => mebibytes * 1024 * 1024),
    fallback: '256',
    readBy: ['start', 'runner'],
    meaning: 'Artifacts that the runner keeps in memory, in MiB; the least recently used go first.',
  },
  ALLOW_WEAK_ISOLATION: {
    schema: onOrOff,
    fallback: '0',
    readBy: ['start', 'runner'],
    meaning:
      '`1` lets the runner start where a needed layer of isolation is missing. Every result then says so. Never for untrusted code.',
  },
  LEASE_SECONDS: {
    schema: seconds(1, 3_600),
    fallback: '15',
    readBy: PLATFORM,
    meaning: 'How long a worker keeps a job without a sign of life; after that, another may run it.',
  },
  MAX_ATTEMPTS: {
    schema: wholeNumber(1, 100),
    fallback: '3',
    readBy: PLATFORM,
    meaning: 'Attempts of the platform at a job before it ends `error`. A program that fails is never run again.',
  },
  MAX_QUEUED_JOBS: {
    schema: wholeNumber(1, 10_000_000),
    fallback: '10000',
    readBy: ['start', 'command'],
    meaning: 'Jobs without a result, over all owners, before new ones are refused with 503.',
  },
  MAX_DOWNLOADS: {
    schema: wholeNumber(1, 10_000),
    fallback: '100',
    readBy: ['start', 'command'],
    meaning: 'Files of results that are read at once, over both doors, before further readers are refused with 503.',
  },
  DOWNLOAD_STALL_SECONDS: {
    schema: seconds(1, 3_600),
    fallback: '30',
    readBy: ['start', 'command'],
    meaning: 'How long a reader of a file may take for 64 KiB of it before it is cut off.',
  },
  WORKER_CONCURRENCY: {
    schema: wholeNumber(1, 1_000),
    fallback: '32',
    readBy: ['start', 'worker'],
    meaning:
      'Jobs that a worker takes at once to run, and at most 4 of them to save; more than the free slots of its runners are never run.',
  },
  RECONCILE_SECONDS: {
    schema: seconds(1, 3_600),
    fallback: '5',
    readBy: ['start', 'worker'],
    meaning: 'Age of a job without a result from which it is looked after: queued again when the queue lost it.',
  },
  RETENTION_HOURS: {
    schema: wholeNumber(1, 87_600).transform((hours) => hours * 3_600_000),
    fallback: '168',
    readBy: ['start', 'worker'],
    meaning: 'How long finished jobs are kept.',
  },
  ARTIFACT_STORE_MB: {
    schema: wholeNumber(256, 1_000_000_000).transform((mebibytes) => mebibytes * 1024 * 1024),
    fallback: '10240',
    readBy: ['start', 'worker'],
    meaning:
      'Most that artifacts may take in the store, in MiB. Past it the least recently used go: sources and compiled programs first, which are made again when they are needed, files of results when nothing else is left (then 410).',
  },
  WEBHOOK_SECRET: {
    schema: secrets,
    fallback: undefined,
    readBy: ['start', 'worker'],
    meaning:
      "What calls to a `callbackUrl` are signed with: `whsec_` and the base64 of at least 24 random bytes; several, separated by blanks, while one takes another's place. Without it no `callbackUrl` is taken ([webhooks.md](webhooks.md)).",
  },
  WEBHOOKS: {
    schema: z.literal('on', 'must be "on", or unset'),
    fallback: undefined,
    readBy: ['command'],
    meaning:
      '`on`: take a `callbackUrl`, for workers have `WEBHOOK_SECRET`, which command itself does not need. `npm start` sees to it by itself.',
  },
  WEBHOOK_ALLOW_HTTP: {
    schema: onOrOff,
    fallback: '0',
    readBy: PLATFORM,
    meaning:
      '`1` calls http:// too, where everybody on the way can read and change what is sent. The same for command and worker.',
  },
  WEBHOOK_ALLOWED_NETWORKS: {
    schema: list.refine((items) => items.every(isNetwork), 'must be networks such as 10.1.2.0/24, separated by commas'),
    fallback: '',
    readBy: PLATFORM,
    meaning:
      'Networks that may be called beside the public internet, separated by commas: `10.1.2.0/24,fd00:1::/64`. Never one with a service in it that trusts whoever reaches it. The same for command and worker.',
  },
  WEBHOOK_ATTEMPTS: {
    schema: wholeNumber(1, 100),
    fallback: '11',
    readBy: ['start', 'worker'],
    meaning: 'Calls of a `callbackUrl` before it is given up; with the usual pauses, 11 take about a day.',
  },
  WEBHOOK_RETRY_SECONDS: {
    schema: seconds(0, 3_600),
    fallback: '5',
    readBy: ['start', 'worker'],
    meaning: 'Pause before the second call; each further one is four times as long, six hours at most.',
  },
  WEBHOOK_TIMEOUT_SECONDS: {
    schema: seconds(1, 60),
    fallback: '10',
    readBy: ['start', 'worker'],
    meaning: 'Longest time of a call in all, from looking its name up to the end of the answer.',
  },
  WEBHOOK_CONCURRENCY: {
    schema: wholeNumber(1, 1_000),
    fallback: '32',
    readBy: ['start', 'worker'],
    meaning: 'Calls that a worker makes at once, at most a quarter of them to one receiver.',
  },
  SHUTDOWN_SECONDS: {
    schema: seconds(1, 3_600),
    fallback: '20',
    readBy: EVERYBODY,
    meaning: 'Longest orderly stop: what still runs then is handed back.',
  },
  DRAIN_SECONDS: {
    schema: seconds(0, 600),
    fallback: '0',
    readBy: ['start', 'command'],
    meaning:
      'How long `SHUTDOWN_SECONDS` begins with answering everything while `/readyz` and the gRPC health service already say no, so that a load balancer sends nothing more before the ports close: longer than it takes to notice. Nothing is refused then, whoever restarts.',
  },
  LOG_LEVEL: {
    schema: z.enum(LOG_LEVELS),
    fallback: 'info',
    readBy: EVERYBODY,
    meaning: 'Least severity that is logged; `npm start` takes `warn` when unset.',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    schema: url(/^https?:/, 'http://127.0.0.1:4318'),
    fallback: undefined,
    readBy: EVERYBODY,
    meaning:
      'Collector that traces are sent to, by OTLP over HTTP (JSON): `http://127.0.0.1:4318`. Nothing is traced without it ([observability.md](observability.md#traces)).',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    schema: z.string(),
    fallback: undefined,
    readBy: EVERYBODY,
    meaning: 'Headers that the collector asks for, separated by commas: `authorization=Bearer%20KEY`.',
  },
  OTEL_SERVICE_NAME: {
    schema: z.string(),
    fallback: undefined,
    readBy: EVERYBODY,
    meaning:
      'What spans are said to come from; `runlane-command`, `runlane-worker`, `runlane-runner`, or `runlane-platform` (command and worker of `npm start`) when unset.',
  },
  OTEL_RESOURCE_ATTRIBUTES: {
    schema: z.string(),
    fallback: undefined,
    readBy: EVERYBODY,
    meaning: 'More that is said of where spans come from, separated by commas: `deployment.environment.name=test`.',
  },
  OTEL_TRACES_SAMPLER: {
    schema: z.enum(['parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio']),
    fallback: 'parentbased_always_on',
    readBy: EVERYBODY,
    meaning:
      'Which jobs are traced. Of a client that traces, what it says holds; of others all, none, or the part that `OTEL_TRACES_SAMPLER_ARG` says.',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    schema: z
      .string()
      .regex(/^(?:0(?:\.\d+)?|1(?:\.0+)?)$/, 'must be from 0 to 1')
      .transform(Number),
    fallback: '1',
    readBy: EVERYBODY,
    meaning: 'With `parentbased_traceidratio`: the part of the jobs that is traced, from 0 to 1.',
  },
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof VARIABLES;

type Reader = Variable['readBy'][number];

/** What a process started by another needs of the other's environment besides the variables that it reads. */
const ALWAYS = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_OPTIONS', 'NODE_ENV', 'NODE_EXTRA_CA_CERTS'] as const;

/** Every variable that a service reads, by itself or in what it starts. */
export function variablesOf(reader: Reader): VariableName[] {
  const variables = Object.entries(VARIABLES) as [VariableName, Variable][];
  return variables.filter(([, { readBy }]) => readBy.includes(reader)).map(([name]) => name);
}

/** The part of an environment that a service reads. Whoever starts it passes no more: an address may hold a password. */
export function environmentFor(reader: Reader, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    [...ALWAYS, ...variablesOf(reader)].flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
}

type Value<N extends VariableName> = (typeof VARIABLES)[N]['fallback'] extends string
  ? z.output<(typeof VARIABLES)[N]['schema']>
  : z.output<(typeof VARIABLES)[N]['schema']> | undefined;

/**
 * The values of some variables, read once. An empty one counts as unset: that is how Compose passes an unset variable.
 * @param fallbacks where a service's own default differs from the table's.
 * @throws Error naming every bad variable at once, so that one restart is enough to mend them.
 */
export function readConfig<const N extends VariableName>(
  env: NodeJS.ProcessEnv,
  names: readonly N[],
  fallbacks: Partial<Record<NoInfer<N>, string>> = {},
): { readonly [Name in N]: Value<Name> } {
  const problems: string[] = [];
  const values: Partial<Record<VariableName, unknown>> = {};
  // Services that share a process name some of them twice.
  for (const name of new Set(names)) {
    const variable: Variable = VARIABLES[name];
    const text = env[name] || (fallbacks[name] ?? variable.fallback);
    if (text === undefined) continue;
    const read = variable.schema.safeParse(text);
    if (read.success) values[name] = read.data;
    else
      problems.push(
        `${name}="${isSecret(name) ? '…' : text}" ${read.error.issues.map(({ message }) => message).join(', ')}`,
      );
  }
  if (problems.length > 0) throw new Error(`bad configuration:\n  ${problems.join('\n  ')}`);
  return Object.freeze(values) as { readonly [Name in N]: Value<Name> };
}
