/**
 * What a toolchain needs to have made once, such as a compiled standard library: made in the sandbox, kept in a folder that
 * every sandbox shows. A folder with a toolchain's name is complete.
 */
import { access, chmod, mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathProblem } from './check.js';
import { BUILD_FOLDER, fillCommand, fillVariables } from './command.js';
import type { Language } from './languages.js';
import { SETUP_LIMITS } from './limits.js';
import { setupFiles } from './manifest.js';
import { type ProducedPart, runOnce } from './run-once.js';
import type { Sandbox } from './sandbox/sandbox.js';

const PARTIAL = '.partial-';

export interface Setups {
  /** Whether a toolchain needs nothing, or what it needs is there. */
  isMade(language: Language): Promise<boolean>;
  /** Make what a toolchain needs, unless it is there. @throws Error saying why it cannot be made. */
  make(language: Language): Promise<void>;
}

export interface SetupsOptions {
  readonly sandbox: Sandbox;
  readonly languagesDir: string;
  /** The folder that sandboxes show; without one nothing can be made. */
  readonly folder: string | undefined;
}

export function createSetups({ sandbox, languagesDir, folder }: SetupsOptions): Setups {
  // One after the other: each fills the machine, and they are in nobody's way only once.
  let last: Promise<void> = Promise.resolve();
  return {
    async isMade({ manifest, toolchain }) {
      if (!manifest.setup) return true;
      return folder !== undefined && sandbox.description.toolchainsShown && (await exists(join(folder, toolchain)));
    },
    make(language) {
      const made = last.then(() => makeOne(language));
      last = made.catch(() => {});
      return made;
    },
  };

  async function makeOne(language: Language): Promise<void> {
    const { manifest, toolchain } = language;
    if (!manifest.setup) return;
    if (!folder || !sandbox.description.toolchainsShown)
      throw new Error(
        'there is no folder for it that sandboxes show: set TOOLCHAINS_DIR to one, which containers need the Docker engine to see',
      );
    const place = join(folder, toolchain);
    if (await exists(place)) return;
    await sweep(folder, toolchain);
    // Ours alone: another runner with the same folder may be making the same.
    const partial = await mkdtemp(`${place}${PARTIAL}`);
    try {
      await chmod(partial, 0o755);
      await fill(partial, language);
      await rename(partial, place).catch(async (reason) => {
        // Whoever was first has made what we would have.
        if (!(await exists(place))) throw reason;
      });
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  }

  async function fill(partial: string, { manifest, tools, toolchain, environment }: Language): Promise<void> {
    const given = { tools, toolchain };
    const argv = fillCommand(manifest.setup?.argv ?? [], given);
    const { end, output } = await runOnce(
      sandbox,
      {
        language: manifest.name,
        argv,
        env: { ...environment, ...fillVariables(manifest.setup?.env ?? {}, given) },
        files: await setupFiles(languagesDir, manifest),
        collect: BUILD_FOLDER,
        limits: SETUP_LIMITS,
      },
      createWriter(partial),
    );
    if (end.reason !== 'exited' || end.code !== 0 || end.filesOmitted > 0)
      throw new Error(`${argv.join(' ')}: ${JSON.stringify(end)} ${output.toString().slice(0, 2000)}`);
  }
}

/** Take away what runners left half made that were killed: what is older than any that is still being made. */
async function sweep(folder: string, toolchain: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (!name.startsWith(`${toolchain}${PARTIAL}`)) continue;
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > 2 * SETUP_LIMITS.wallTimeMs)
      await rm(path, { recursive: true, force: true });
  }
}

/** Puts the parts of files together again. Programs, which are other users, may read them, whatever our own umask is. */
function createWriter(root: string) {
  const made = new Set([root]);

  async function makeFolder(folder: string): Promise<void> {
    if (made.has(folder)) return;
    await makeFolder(dirname(folder));
    await mkdir(folder);
    await chmod(folder, 0o755);
    made.add(folder);
  }

  return async ({ path, executable, data }: ProducedPart): Promise<void> => {
    const problem = pathProblem(path);
    if (problem) throw new Error(`a setup made a file whose path ${problem}`);
    const target = join(root, path);
    await makeFolder(dirname(target));
    const file = await open(target, 'a');
    try {
      await file.chmod(executable ? 0o755 : 0o644);
      await file.write(data);
    } finally {
      await file.close();
    }
  };
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
