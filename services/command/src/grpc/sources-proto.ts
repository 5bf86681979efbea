/** What a program is made of, from a message to the JSON that REST would have got. Protobuf's empty values are unset. */
import type { execution } from '@runlane/contract';

type Sources = Pick<execution.Program, 'language' | 'version' | 'code' | 'files' | 'entry'>;

export function toSourcesInput({ language, version, code, files, entry }: Sources) {
  return {
    language: language || undefined,
    version: version || undefined,
    code: files.length > 0 && code === '' ? undefined : code,
    files:
      files.length === 0
        ? undefined
        : files.map(({ path, content }) => ({ path, content: content.toString('base64'), encoding: 'base64' })),
    entry: entry || undefined,
  };
}
