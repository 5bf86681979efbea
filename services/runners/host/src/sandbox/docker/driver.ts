/**
 * The `docker` driver: a disposable container for each run, made beforehand, so that a run waits neither for the making of
 * one nor for its removal.
 */
import { type Sandbox, type SandboxDescription, SandboxError } from '../sandbox.js';
import { connectEngine, type Engine } from './engine.js';
import { createFleet, type Fleet, type FleetOptions } from './fleet.js';
import { layersOf, summaryOf } from './layers.js';
import { sweep } from './sweep.js';

const SWEEP_EVERY_MS = 60_000;
const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/work', LANG: 'C.UTF-8' };

const WITHOUT_IMAGE =
  'its runner.json names no container image: name one there or in DOCKER_IMAGES, with its tools and Python 3 in it';

export interface DockerOptions extends FleetOptions {
  /** Languages that have no image. */
  readonly withoutImage: readonly string[];
  readonly socketPath: string;
  readonly allowWeak: boolean;
}

/** @throws SandboxError saying what to do, when there is no engine, no image, or a layer is missing. */
export async function createDocker(options: DockerOptions): Promise<Sandbox> {
  const engine = await connectEngine(options);
  const fleet = createFleet(engine, options);
  const sweepLeftOvers = () =>
    sweep(engine, fleet.has).catch((err: unknown) => options.log.warn({ err }, 'old containers were not swept'));
  const sweeping = setInterval(sweepLeftOvers, SWEEP_EVERY_MS).unref();
  try {
    void sweepLeftOvers();
    const found = await fleet.prepare();
    const description = describe(found, options, await runtimeName(engine, options));
    return {
      description,
      lost: new Promise<never>(() => {}),
      open: fleet.open,
      async close() {
        clearInterval(sweeping);
        await fleet.close();
      },
    };
  } catch (reason) {
    clearInterval(sweeping);
    await fleet.close();
    throw reason;
  }
}

function describe(
  { hello, toolchains, problems, toolchainsShown }: Awaited<ReturnType<Fleet['prepare']>>,
  { runtime, allowWeak, withoutImage }: DockerOptions,
  usedRuntime: string,
): SandboxDescription {
  const layers = layersOf(hello, runtime);
  const missing = layers.filter(({ needed, holds }) => needed && !holds);
  if (missing.length > 0 && !allowWeak)
    throw new SandboxError(
      `containers of this Docker engine lack: ${missing.map(({ name, detail }) => `${name} (${detail})`).join('; ')}. ` +
        'Mend the settings of the engine (its default seccomp profile, its control groups), or use another sandbox',
    );
  return {
    driver: 'docker',
    summary: summaryOf(hello, layers, usedRuntime),
    layers,
    weak: missing.length > 0,
    platform: hello.platform,
    toolchains,
    problems: { ...problems, ...Object.fromEntries(withoutImage.map((name) => [name, WITHOUT_IMAGE])) },
    toolchainsShown,
    environment: ENVIRONMENT,
  };
}

async function runtimeName(engine: Engine, { runtime }: DockerOptions): Promise<string> {
  const { DefaultRuntime }: { DefaultRuntime: string } = await engine.info();
  return runtime ?? DefaultRuntime;
}
