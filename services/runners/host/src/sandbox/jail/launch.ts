/** Starts the jail service for this process alone: where an ordinary user, or root, runs the host by itself. */
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { MisconfiguredError, SandboxError } from '../sandbox.js';

const LAUNCHER = fileURLToPath(new URL('../../../jail/launcher.py', import.meta.url));
// Never "python3" by name: what is on PATH may be a version manager's shim, or belong to somebody else.
const PYTHONS = ['/usr/bin/python3', '/usr/local/bin/python3'];
const START_TIMEOUT_MS = 30_000;
/** The launcher's exit code where what it was given cannot be used. */
const MISCONFIGURED = 78;

export interface LaunchOptions {
  readonly socketPath: string;
  readonly slots: number;
  /** Folder of the languages' folders. */
  readonly languagesDir: string;
  /** Who may connect. */
  readonly peerUid: number;
  readonly allowWeak: boolean;
  readonly python?: PythonOptions;
  /** Run the launcher itself as this user: as root only. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly extraArguments?: readonly string[];
}

export interface PythonOptions {
  /** Folder of a virtual environment. */
  readonly venv?: string | undefined;
  /** Modules to import once, for all programs. */
  readonly preload?: readonly string[] | undefined;
}

export interface Launched {
  readonly pid: number;
  /** Resolves when the service ended by itself. */
  readonly lost: Promise<Error>;
  stop(): Promise<void>;
}

/**
 * @throws SandboxError when the machine cannot isolate, MisconfiguredError when something given cannot be used; what to do
 * about it is on standard error.
 */
export async function launchJail(options: LaunchOptions): Promise<Launched> {
  const python = await findPython();
  const words = ['-I', LAUNCHER, '--leash', '--socket', options.socketPath, '--slots', String(options.slots)];
  words.push('--runners', options.languagesDir, '--peer-uid', String(options.peerUid));
  if (options.allowWeak) words.push('--allow-weak');
  words.push(...pythonWords(options.python));
  const child = spawn(python, [...words, ...(options.extraArguments ?? [])], {
    env: { PATH: '/usr/bin:/bin' },
    // Standard input is the leash: the service ends when it does, even where we may not signal it.
    stdio: ['pipe', 'pipe', 'inherit'],
    ...options.user,
  });
  child.stdin.on('error', () => {});
  const ended = new Promise<Error>((resolve) => {
    child.once('error', (cause) => resolve(new SandboxError('the jail service could not be started', { cause })));
    child.once('exit', (code, signal) => resolve(endOf(code, signal)));
  });
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<'ready'>((resolve) => lines.once('line', () => resolve('ready')));
  const late = new Promise<Error>((resolve) => {
    setTimeout(() => resolve(new SandboxError('the jail service did not start in time')), START_TIMEOUT_MS).unref();
  });
  const outcome = await Promise.race([ready, ended, late]);
  if (outcome !== 'ready') {
    child.stdin.destroy();
    child.kill('SIGTERM');
    throw outcome;
  }
  return {
    pid: child.pid ?? 0,
    lost: ended,
    async stop() {
      child.stdin.destroy();
      await ended;
    },
  };
}

function endOf(code: number | null, signal: string | null): Error {
  if (code === MISCONFIGURED) return new MisconfiguredError('the jail cannot use what it was given, as said above');
  return new SandboxError(`the jail service ended (${signal ?? code})`);
}

/** What the launcher is told of the interpreter that Python programs run in. */
function pythonWords({ venv, preload }: PythonOptions = {}): string[] {
  const words: string[] = [];
  if (venv) words.push('--tool', `python=${venv}/bin/python3`);
  if (preload) words.push('--preload', preload.join(','));
  return words;
}

async function findPython(): Promise<string> {
  for (const path of PYTHONS) {
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  throw new SandboxError(`the jail needs Python 3.9 or later at ${PYTHONS.join(' or ')}`);
}
