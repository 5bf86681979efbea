/** What a check is, what it works with, and what comes of it. */
import type { runner, types } from '@runlane/contract';
import type { Conversation } from './conversation.js';
import type { Outcome } from './outcome.js';
import type { ProgramName } from './programs.js';
import type { RunnerClient, RunnerTarget } from './runner-client.js';

/** Something that every runner must do, whatever its languages. It fails by throwing. */
export interface RunnerCheck {
  readonly name: string;
  run(subject: RunnerSubject): Promise<void>;
}

/** Something that must hold for each language. It fails by throwing. */
export interface LanguageCheck {
  readonly name: string;
  /** Programs that it runs; a language that cannot have one of them cannot be checked. */
  readonly needs: readonly ProgramName[];
  /** It is about terminals: where the runner offers none, it cannot be checked. */
  readonly needsTerminal?: true;
  run(subject: LanguageSubject): Promise<void>;
}

export interface RunnerSubject {
  readonly runner: RunnerTarget;
  readonly client: RunnerClient;
  /** Tell something that is no failure, such as what was measured. */
  note(text: string): void;
  /** Begin an Execute call, which is cancelled when the check is over. */
  execute(): Conversation;
}

/** What a run is given; what is left out takes the language's defaults. */
export interface Given {
  readonly args?: string[];
  readonly env?: Record<string, string>;
  readonly stdin?: Uint8Array;
  readonly keepStdinOpen?: boolean;
  readonly limits?: types.Limits;
  readonly terminal?: types.Terminal;
  /** Files beside the program. */
  readonly files?: Readonly<Record<string, string>>;
  /** Files that come with the run and not with the artifact. */
  readonly runFiles?: Readonly<Record<string, string>>;
}

export interface LanguageSubject extends RunnerSubject {
  readonly language: runner.RunnerLanguage;
  /** Programs that the runner runs at once. */
  readonly slots: number;
  /** The request that has a program made ready. */
  prepareRequest(program: ProgramName, files?: Given['files']): Promise<runner.PrepareRequest>;
  /** Have a program made ready; the digest of its artifact. */
  prepare(program: ProgramName, files?: Given['files']): Promise<string>;
  /** What begins a run of an artifact. */
  start(artifactDigest: string, given?: Given): runner.Start;
  /** Have a program admitted; it does not run yet. */
  admit(program: ProgramName, given?: Given): Promise<Conversation>;
  /** Have a program started. */
  begin(program: ProgramName, given?: Given): Promise<Conversation>;
  /** Run a program to its end. */
  run(program: ProgramName, given?: Given): Promise<Outcome>;
}

export interface CheckResult {
  /** From 1 on. */
  readonly round: number;
  /** Name of the language, or undefined for the runner itself. */
  readonly language: string | undefined;
  readonly check: string;
  readonly outcome: 'ok' | 'failed' | 'cannot';
  /** Why it failed, or cannot be. */
  readonly reason?: string;
  readonly notes: readonly string[];
  readonly tookMs: number;
}
