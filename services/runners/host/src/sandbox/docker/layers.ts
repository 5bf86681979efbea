/** What keeps a program in its container apart, as process 1 of a real one found it. */
import type { Layer } from '../sandbox.js';
import type { Hello } from './container.js';

/** @param runtime one that the operator chose, such as runsc: it may do in its own way what is looked for here. */
export function layersOf(hello: Hello, runtime: string | undefined): Layer[] {
  const usual = runtime === undefined;
  const layer = (name: string, holds: boolean, needed: boolean, detail: string) => ({ name, holds, needed, detail });
  return [
    layer('capabilities', hello.noCapabilities, true, 'a program has none and can gain none'),
    layer('no_new_privs', hello.noNewPrivileges, true, 'set-user-id programs give nothing'),
    layer('system-call filter', hello.seccomp, usual, "the engine's default profile"),
    layer('read-only root', hello.readOnlyRoot, true, 'only /work, /tmp and /dev/shm can be written'),
    layer(
      'network',
      hello.interfaces.every((name) => name === 'lo'),
      true,
      `interfaces: ${hello.interfaces.join(', ') || 'none'}`,
    ),
    // Another runtime may keep the control group to itself; with the usual one, what is not there limits nothing.
    layer('memory', hello.memory || !usual, true, hello.memory ? 'control group' : 'polled'),
    layer('processor time', true, false, hello.cpu ? 'control group' : 'polled'),
  ];
}

export function summaryOf({ seccomp, memory }: Hello, layers: readonly Layer[], runtime: string): string {
  const missing = layers.filter((layer) => layer.needed && !layer.holds).map(({ name }) => `no ${name}`);
  const parts = [runtime, seccomp && 'seccomp', memory ? 'cgroup' : 'polled', ...missing];
  return `docker:${parts.filter(Boolean).join('+')}`;
}
