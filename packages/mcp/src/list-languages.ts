/** The tool `list_languages`: what programs can be written in, with versions and limits. */
import type { Language } from '@runlane/client';
import { z } from 'zod';
import { inputSchema, outputSchema, type Tool } from './tool.js';

const takes = z.strictObject({});

const languageSchema = z.object({
  name: z.string().meta({ description: 'What run_code takes as "language".' }),
  title: z.string(),
  aliases: z.array(z.string()).meta({ description: 'Other names that run_code takes.' }),
  versions: z.array(z.string()),
  entry: z.string().meta({ description: 'The file that is started where a program has several.' }),
  compiled: z.boolean(),
  available: z.boolean(),
  unavailableReason: z.string().optional(),
  wallTimeMs: z.number().optional().meta({ description: 'How long a program may run where run_code does not say.' }),
  memoryBytes: z.number().optional().meta({ description: 'How much memory it may use where run_code does not say.' }),
});

type LanguageReport = z.output<typeof languageSchema>;

const gives = z.object({ languages: z.array(languageSchema) });

export const listLanguages: Tool = {
  describe: () => ({
    name: 'list_languages',
    title: 'List programming languages',
    description:
      'Lists the languages that run_code runs right now, with their versions, other names and usual limits, and why one cannot be used.',
    inputSchema: inputSchema(takes),
    outputSchema: outputSchema(gives),
    // The spec: the hints on destruction and repetition mean nothing where a tool only reads.
    annotations: { readOnlyHint: true, openWorldHint: false },
  }),
  async call(args, { client }, { signal }) {
    takes.parse(args);
    const languages = grouped(await client.languages({ signal }));
    return { content: [{ type: 'text', text: inWords(languages) }], structuredContent: { languages } };
  },
};

/** The API tells a line for each version. */
function grouped(all: readonly Language[]): LanguageReport[] {
  const names = [...new Set(all.map(({ name }) => name))];
  return names.map((name) => toReport(all.filter((language) => language.name === name)));
}

function toReport(versions: readonly Language[]): LanguageReport {
  const usable = versions.filter(({ available }) => available);
  const [first] = usable.length > 0 ? usable : versions;
  if (!first) throw new Error('a language without a version');
  const { name, title, aliases, entry, compiled, available, unavailableReason, defaultLimits } = first;
  return {
    name,
    title,
    aliases,
    versions: usable.map(({ version }) => version),
    entry,
    compiled,
    available,
    ...(unavailableReason !== undefined && { unavailableReason }),
    ...(defaultLimits.wallTimeMs !== undefined && { wallTimeMs: defaultLimits.wallTimeMs }),
    ...(defaultLimits.memoryBytes !== undefined && { memoryBytes: defaultLimits.memoryBytes }),
  };
}

function inWords(languages: readonly LanguageReport[]): string {
  const lines = languages.map(({ name, aliases, versions, entry, available, unavailableReason }) => {
    const also = aliases.length > 0 ? ` (also ${aliases.join(', ')})` : '';
    if (!available) return `- ${name}${also}: not available${unavailableReason ? `: ${unavailableReason}` : ''}`;
    return `- ${name}${also}: ${versions.join(', ')}; starts ${entry}`;
  });
  return lines.join('\n') || 'There is no language at all.';
}
