/** Compiling: one command in the sandbox, whose output folder together with the program's own files is the artifact. */
import { runner, type types } from '@runlane/contract';
import { BUILD_FOLDER, fillCommand, fillVariables, sourcesAmong } from './command.js';
import type { Language } from './languages.js';
import { resolveCompileLimits } from './limits.js';
import { invalid } from './refusal.js';
import { runOnce } from './run-once.js';
import type { RunEnd, Sandbox } from './sandbox/sandbox.js';

const MAX_DIAGNOSTICS_BYTES = 65_536;
/** Of a compiler that is content, though there is nothing to run: the source has no program in it, or the command names no output. */
const MADE_NOTHING = 'the compile command wrote nothing to {out}, so there is nothing to run';

/** Said after the compiler's own words, which it had no time or memory to end. */
const LIMIT_REACHED: Partial<Record<RunEnd['reason'], string>> = {
  wall: 'the compiler reached its limit of wall-clock time (limits.compile.wallTimeMs)',
  cpu: 'the compiler reached its limit of processor time (limits.compile.cpuTimeMs)',
  memory: 'the compiler reached its limit of memory (limits.compile.memoryBytes)',
  output: 'the compiler said more than is kept',
};

export interface Compilation {
  readonly language: Language;
  readonly entry: string;
  readonly files: readonly runner.BundleFile[];
  readonly limits: types.CompileLimits | undefined;
}

export interface Compiled {
  /** Bytes of a Bundle; undefined when the compiler refused. */
  readonly artifact: Buffer | undefined;
  readonly result: types.CompileResult;
}

/** @throws Refusal naming what is wrong with the request; StartError or SandboxError when the compiler could not be run. */
export async function compile(
  sandbox: Sandbox,
  { language, entry, files, limits: asked }: Compilation,
  signal: AbortSignal,
): Promise<Compiled> {
  const { manifest, tools, toolchain, environment, compileLimits } = language;
  const problems: string[] = [];
  const limits = resolveCompileLimits(asked, compileLimits, problems);
  if (files.some(({ path }) => path.split('/')[0] === BUILD_FOLDER))
    problems.push(`no file may be in ${BUILD_FOLDER}: what the compiler makes is put there`);
  if (problems.length > 0) throw invalid(problems);
  const paths = files.map(({ path }) => path);
  const given = { tools, toolchain, entry, sources: sourcesAmong(paths, manifest) };
  const argv = fillCommand(manifest.compile?.argv ?? [], given);
  const env = { ...environment, ...fillVariables(manifest.compile?.env ?? {}, given) };
  const made = new Map<string, { readonly executable: boolean; readonly parts: Buffer[] }>();
  const request = { language: manifest.name, argv, env, files, collect: BUILD_FOLDER, limits };
  const { end, output } = await runOnce(
    sandbox,
    request,
    ({ path, executable, data }) => {
      const file = made.get(path) ?? { executable, parts: [] };
      file.parts.push(data);
      made.set(path, file);
    },
    signal,
  );
  const built = [...made].map(([path, { executable, parts }]) =>
    runner.BundleFile.fromPartial({ path: `${BUILD_FOLDER}/${path}`, content: Buffer.concat(parts), executable }),
  );
  const hasProgram = succeeded(end) && built.length > 0;
  return {
    artifact: hasProgram ? encode([...files, ...built]) : undefined,
    result: {
      exitCode: exitCodeOf(end),
      diagnostics: diagnosticsOf(end, output, built.length),
      wallTimeMs: end.wallMs,
    },
  };
}

/** None where a limit was met: whatever the compiler still said then, it was not its verdict. */
function exitCodeOf({ reason, code }: RunEnd): number | undefined {
  return reason === 'exited' ? (code ?? undefined) : undefined;
}

function succeeded({ reason, code, filesOmitted }: RunEnd): boolean {
  return reason === 'exited' && code === 0 && filesOmitted === 0;
}

function diagnosticsOf(end: RunEnd, output: Buffer, filesMade: number): Buffer {
  const kept = output.subarray(0, MAX_DIAGNOSTICS_BYTES - 200);
  const said = ownWords(end, filesMade);
  return said ? Buffer.concat([kept, Buffer.from(`${kept.length > 0 ? '\n' : ''}${said}\n`)]) : kept;
}

/** What the compiler did not say itself. */
function ownWords(end: RunEnd, filesMade: number): string | undefined {
  if (end.reason !== 'exited') return LIMIT_REACHED[end.reason];
  if (end.filesOmitted > 0) return 'the compiler made more than is kept';
  return end.code === 0 && filesMade === 0 ? MADE_NOTHING : undefined;
}

function encode(files: readonly runner.BundleFile[]): Buffer {
  const sorted = files.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  return Buffer.from(runner.Bundle.encode({ files: sorted }).finish());
}
