/** Highlighting by language, fetched when a program of it is opened. What is not listed is edited as plain text. */
import { LanguageSupport, StreamLanguage, type StreamParser } from '@codemirror/language';
import type { Extension } from '@codemirror/state';

const legacy = (parser: StreamParser<unknown>): Extension => new LanguageSupport(StreamLanguage.define(parser));

// biome-ignore format: a table
const MODES: Readonly<Record<string, () => Promise<Extension>>> = {
  bash:       async () => legacy((await import('@codemirror/legacy-modes/mode/shell')).shell),
  c:          async () => (await import('@codemirror/lang-cpp')).cpp(),
  cpp:        async () => (await import('@codemirror/lang-cpp')).cpp(),
  go:         async () => (await import('@codemirror/lang-go')).go(),
  java:       async () => (await import('@codemirror/lang-java')).java(),
  javascript: async () => (await import('@codemirror/lang-javascript')).javascript(),
  lua:        async () => legacy((await import('@codemirror/legacy-modes/mode/lua')).lua),
  ocaml:      async () => legacy((await import('@codemirror/legacy-modes/mode/mllike')).oCaml),
  perl:       async () => legacy((await import('@codemirror/legacy-modes/mode/perl')).perl),
  python:     async () => (await import('@codemirror/lang-python')).python(),
  r:          async () => legacy((await import('@codemirror/legacy-modes/mode/r')).r),
  ruby:       async () => legacy((await import('@codemirror/legacy-modes/mode/ruby')).ruby),
  rust:       async () => (await import('@codemirror/lang-rust')).rust(),
  sqlite:     async () => legacy((await import('@codemirror/legacy-modes/mode/sql')).sqlite),
  typescript: async () => (await import('@codemirror/lang-javascript')).javascript({ typescript: true }),
};

export async function modeFor(language: string): Promise<Extension> {
  return (await MODES[language]?.()) ?? [];
}
