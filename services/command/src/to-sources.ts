/** What a client wrote of a program, as bytes: of a job's own, and of the checker that judges it. */
import { decodeText, type NewJob } from '@runlane/contract';
import type { Limits, SourceFile } from '@runlane/core';
import type { KnownLanguage } from './languages.js';

type Asked = Pick<NewJob, 'code' | 'files' | 'entry'>;

export function toSources(asked: Asked, language: KnownLanguage): { files: SourceFile[]; entry: string } {
  const files = toFiles(asked, language);
  return { files, entry: asked.entry ?? usualEntry(files, language.entry) };
}

function toFiles({ code, files, entry }: Asked, language: KnownLanguage): SourceFile[] {
  if (files) return files.map(({ path, content, encoding }) => ({ path, content: decodeText(content, encoding) }));
  return [{ path: entry ?? language.entry, content: Buffer.from(code ?? '') }];
}

function usualEntry(files: readonly SourceFile[], usual: string): string {
  return files.some(({ path }) => path === usual) ? usual : (files[0]?.path ?? usual);
}

/** Limits without the fields that are not set. */
export function definedLimits({ compile, ...run }: NonNullable<NewJob['limits']> = {}): Limits {
  const defined = (limits: object) =>
    Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
  return { ...defined(run), ...(compile && { compile: defined(compile) }) };
}
