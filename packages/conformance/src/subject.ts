/** What checks work with: programs made ready once, runs begun as a worker begins them, and nothing left behind. */
import type { runner } from '@runlane/contract';
import { bundleOf } from './bundle.js';
import type { Given, LanguageSubject, RunnerSubject } from './check.js';
import type { Conversation } from './conversation.js';
import { expect, quote } from './failure.js';
import { outcomeOf } from './outcome.js';
import type { ProgramName, Programs } from './programs.js';
import type { RunnerClient, RunnerTarget } from './runner-client.js';

/** What lasts for one check. */
export interface Attempt {
  readonly subject: RunnerSubject;
  readonly notes: string[];
  /** Cancel every call that the check has left open. */
  release(): void;
}

export function createAttempt(runner: RunnerTarget, client: RunnerClient): Attempt {
  const notes: string[] = [];
  const conversations: Conversation[] = [];
  return {
    notes,
    subject: {
      runner,
      client,
      note: (text) => void notes.push(text),
      execute() {
        const conversation = client.execute();
        conversations.push(conversation);
        return conversation;
      },
    },
    release() {
      for (const conversation of conversations) conversation.cancel();
    },
  };
}

/** Programs of one language, made ready when a check first needs them. */
export interface Prepared {
  readonly language: runner.RunnerLanguage;
  readonly slots: number;
  readonly programs: Programs;
  readonly digests: Map<string, Promise<string>>;
}

export function forLanguage(subject: RunnerSubject, prepared: Prepared): LanguageSubject {
  const { language, slots, programs, digests } = prepared;
  const { client } = subject;

  async function prepareRequest(program: ProgramName, files: Given['files'] = {}): Promise<runner.PrepareRequest> {
    const source = await programs.source(program);
    return {
      language: language.name,
      version: language.version,
      entry: language.entry,
      bundle: bundleOf({ [language.entry]: source, ...files }),
      limits: undefined,
    };
  }

  async function prepareAnew(program: ProgramName, files: Given['files']): Promise<string> {
    const { artifactDigest, compile } = await client.prepare(await prepareRequest(program, files));
    const said = quote(compile?.diagnostics ?? Buffer.alloc(0));
    expect(artifactDigest !== '', `Prepare of ${program} answered no digest; the compiler said ${said}`);
    return artifactDigest;
  }

  function prepare(program: ProgramName, files: Given['files'] = {}): Promise<string> {
    const key = JSON.stringify([program, files]);
    const known = digests.get(key);
    if (known) return known;
    const anew = prepareAnew(program, files);
    digests.set(key, anew);
    // The next check tries again: one that fails must not fail the rest.
    anew.catch(() => digests.delete(key));
    return anew;
  }

  function start(artifactDigest: string, given: Given = {}): runner.Start {
    return {
      language: language.name,
      version: language.version,
      artifactDigest,
      entry: language.entry,
      args: given.args ?? [],
      env: given.env ?? {},
      limits: given.limits ?? {},
      stdin: Buffer.from(given.stdin ?? []),
      keepStdinOpen: given.keepStdinOpen ?? false,
      terminal: given.terminal,
      files: bundleOf(given.runFiles ?? {}),
    };
  }

  async function admit(program: ProgramName, given: Given = {}): Promise<Conversation> {
    const value = start(await prepare(program, given.files), given);
    const conversation = subject.execute();
    conversation.send({ $case: 'start', value });
    await conversation.first('admitted');
    return conversation;
  }

  async function begin(program: ProgramName, given?: Given): Promise<Conversation> {
    const conversation = await admit(program, given);
    conversation.go();
    await conversation.first('started');
    return conversation;
  }

  return {
    ...subject,
    language,
    slots,
    prepareRequest,
    prepare,
    start,
    admit,
    begin,
    run: async (program, given) => outcomeOf(await begin(program, given)),
  };
}
