/** All containers of one driver, those that wait and those at work. */
import { randomUUID } from 'node:crypto';
import type { Log } from '@runlane/core';
import { DEFAULT_LIMITS } from '../../limits.js';
import {
  type Run,
  type RunRequest,
  type SandboxDescription,
  SandboxError,
  type Toolchain,
  type Tools,
} from '../sandbox.js';
import { type Container, type ContainerLimits, type Hello, startContainer } from './container.js';
import { type Engine, isUnseenFolder } from './engine.js';
import { createPool, type Pool } from './pool.js';
import { openRun } from './run.js';

const RETRY_MS = 2000;
/** Containers made beforehand at once. */
const MAKERS = 2;
/** Making the next container would slow the run that took the last: it waits for the run's end, or this long. */
const REFILL_AFTER_MS = 100;

export interface DockerLanguage {
  readonly name: string;
  readonly image: string;
  /** What to look for in the image. */
  readonly tools: Tools;
  /** Whether its commands read what its setup made. */
  readonly needsSetup: boolean;
}

export interface FleetOptions {
  readonly languages: readonly DockerLanguage[];
  /** Containers of each image that are to be ready. */
  readonly poolSize: number;
  /** A runtime that the engine knows by this name, such as runsc; the engine's default when unset. */
  readonly runtime: string | undefined;
  /** What setups have made; shown to the languages that have one. */
  readonly toolchainsDir: string | undefined;
  readonly log: Log;
}

export interface Fleet {
  /**
   * Start a container of each image, and see what is in it.
   * @throws SandboxError when there is none that starts.
   */
  prepare(): Promise<
    { readonly hello: Hello } & Pick<SandboxDescription, 'toolchains' | 'problems' | 'toolchainsShown'>
  >;
  open(request: RunRequest): Promise<Run>;
  has(id: string): boolean;
  close(): Promise<void>;
}

export function createFleet(engine: Engine, options: FleetOptions): Fleet {
  const { languages, poolSize, runtime, log } = options;
  let { toolchainsDir } = options;
  const owner = randomUUID();
  const alive = new Map<string, Container>();
  const pools = new Map<string, Pool<Container>>();
  const images = [...new Set(languages.map(({ image }) => image))];

  async function make(image: string, { diskBytes, inodes }: ContainerLimits): Promise<Container> {
    const inside = languages.filter((language) => language.image === image);
    const tools = Object.fromEntries(inside.map((language) => [language.name, language.tools]));
    // Memory and processes are set when the run is known: the runtime itself needs some of both to start.
    const limits = { ...DEFAULT_LIMITS, diskBytes, inodes };
    const shown = inside.some(({ needsSetup }) => needsSetup) ? toolchainsDir : undefined;
    const given = { engine, image, runtime, owner, limits, tools };
    const container = await startContainer({ ...given, toolchainsDir: shown }).catch((reason: unknown) => {
      if (!isUnseenFolder(reason)) throw reason;
      // The languages that need none of it still run.
      log.warn({ err: reason, toolchainsDir: shown }, 'the Docker engine does not see the folder of toolchains');
      toolchainsDir = undefined;
      return startContainer({ ...given, toolchainsDir: undefined });
    });
    alive.set(container.id, container);
    void container.removed.then(() => alive.delete(container.id));
    return container;
  }

  for (const image of images) {
    const one = () => make(image, DEFAULT_LIMITS);
    pools.set(image, createPool({ size: poolSize, make: one, retryMs: RETRY_MS, makers: MAKERS }));
  }

  function take(image: string, limits: ContainerLimits): Promise<Container> {
    const pool = pools.get(image);
    // The size of a mounted folder cannot be changed any more.
    const ready = limits.diskBytes === DEFAULT_LIMITS.diskBytes && limits.inodes === DEFAULT_LIMITS.inodes;
    if (!pool || !ready) return make(image, limits);
    setTimeout(pool.refill, REFILL_AFTER_MS).unref();
    return pool.take();
  }

  return {
    has: (id: string) => alive.has(id),

    async prepare() {
      const toolchains: Record<string, readonly Toolchain[]> = {};
      const problems: Record<string, string> = {};
      const failures: unknown[] = [];
      let hello: Hello | undefined;
      for (const image of images) {
        const inside = languages.filter((language) => language.image === image);
        try {
          const container = await make(image, DEFAULT_LIMITS);
          hello ??= container.hello;
          Object.assign(toolchains, container.hello.toolchains);
          for (const { name, tools } of inside)
            if (!toolchains[name]?.length) problems[name] = notInImage(image, tools);
          pools.get(image)?.add(container);
          pools.get(image)?.refill();
        } catch (reason) {
          failures.push(reason);
          for (const { name } of inside) problems[name] = (reason as Error).message;
          log.warn({ err: reason, image }, 'image left out');
        }
      }
      if (hello) return { hello, toolchains, problems, toolchainsShown: toolchainsDir !== undefined };
      throw (
        failures[0] ?? new SandboxError('no language has an image: name one in its runner.json or in DOCKER_IMAGES')
      );
    },

    async open(request) {
      const image = languages.find(({ name }) => name === request.language)?.image;
      if (!image) throw new SandboxError(`${request.language} has no image`);
      const container = await take(image, request.limits);
      try {
        const run = await openRun(container, request);
        void container.removed.then(() => pools.get(image)?.refill());
        return run;
      } catch (reason) {
        container.discard();
        throw reason;
      }
    },

    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
      await Promise.allSettled([...alive.values()].map((container) => container.remove()));
    },
  };
}

function notInImage(image: string, tools: Tools): string {
  const paths = Object.values(tools).flat().join(', ');
  return `not in the image ${image}: ${paths} not found; name another in its runner.json or in DOCKER_IMAGES`;
}
