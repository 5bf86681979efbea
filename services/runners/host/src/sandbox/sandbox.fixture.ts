/** What the sandbox tests share: run a Python program and collect what came of it. */
import { DEFAULT_LIMITS } from '../limits.js';
import type { Run, RunEnd, RunFile, RunLimits, Sandbox, TerminalSize } from './sandbox.js';

export interface Given {
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Buffer;
  readonly limits?: Partial<RunLimits>;
  readonly terminal?: TerminalSize;
}

export interface Outcome {
  readonly end: RunEnd;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Standard output as text, without the newline at its end. */
  readonly text: string;
}

export function pythonOf({ description }: Sandbox): string {
  return description.toolchains.python?.[0]?.python ?? '/usr/bin/python3';
}

export async function open(sandbox: Sandbox, code: string, given: Given = {}): Promise<Run> {
  const files = Object.entries({ 'main.py': code, ...given.files });
  return openFiles(
    sandbox,
    files.map(([path, content]) => ({ path, content: Buffer.from(content), executable: false })),
    given,
  );
}

function openFiles(sandbox: Sandbox, files: readonly RunFile[], given: Given): Promise<Run> {
  return sandbox.open({
    language: 'python',
    argv: [pythonOf(sandbox), 'main.py', ...(given.args ?? [])],
    // As the language's manifest has it.
    env: { ...sandbox.description.environment, PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1', ...given.env },
    files,
    collect: 'out',
    limits: { ...DEFAULT_LIMITS, ...given.limits },
    ...(given.terminal && { terminal: given.terminal }),
  });
}

export async function runPython(sandbox: Sandbox, code: string, given: Given = {}): Promise<Outcome> {
  const run = await open(sandbox, code, given);
  run.go();
  if (given.stdin !== undefined) void run.writeStdin(Buffer.from(given.stdin));
  run.closeStdin();
  return collect(run);
}

/** Run `main.py`, which is among the files. */
export async function runFiles(sandbox: Sandbox, files: readonly RunFile[]): Promise<Outcome> {
  const run = await openFiles(sandbox, files, {});
  run.go();
  run.closeStdin();
  return collect(run);
}

export async function collect(run: Run): Promise<Outcome> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let end: RunEnd | undefined;
  for await (const event of run.events()) {
    if (event.kind === 'stdout') stdout.push(event.data);
    else if (event.kind === 'stderr') stderr.push(event.data);
    else if (event.kind === 'exited') end = event.end;
  }
  if (!end) throw new Error('the run ended without a verdict');
  const out = Buffer.concat(stdout);
  return { end, stdout: out, stderr: Buffer.concat(stderr), text: out.toString().replace(/\n$/, '') };
}
