/** What is wrong with a manifest though every field has its form: words that mean nothing, and names that are taken. */
import { placeholdersIn } from './command.js';
import type { BrokenManifest, Manifest } from './manifest.js';

/** Words of their own in a command. */
const LISTS = ['args', 'sources'];
const RESERVED = [...LISTS, 'entry', 'stem', 'out', 'setup', 'bin'];

/** What may stand in a text of the manifest, beside the names of tools. */
interface Place {
  readonly field: string;
  readonly words: readonly string[];
  readonly may: readonly string[];
}

/** Each with the field, and what to do. */
export function problemsOf(manifest: Manifest, folder: string): string[] {
  return [
    ...namingProblems(manifest, folder),
    ...patternProblems(manifest),
    ...placesOf(manifest).flatMap(wordProblems),
  ];

  function wordProblems({ field, words, may }: Place): string[] {
    return words.flatMap((word) =>
      placeholdersIn(word).flatMap((name) => {
        const problem = placeholderProblem(manifest, name, word, may);
        return problem ? [`${field}: {${name}} ${problem}`] : [];
      }),
    );
  }
}

function namingProblems({ name, tools }: Manifest, folder: string): string[] {
  const problems = Object.keys(tools)
    .filter((tool) => RESERVED.includes(tool))
    .map((tool) => `tools.${tool}: {${tool}} means something else: call the tool by another name`);
  if (name !== folder) problems.unshift(`name: "${name}" must be the name of its folder, "${folder}"`);
  const [first, paths = []] = Object.entries(tools)[0] ?? [];
  if (paths.some((path) => path.startsWith('{bin}')))
    problems.push(`tools.${first}: {bin} is the folder of this very tool: name the folder`);
  return problems;
}

function patternProblems({ version: { pattern } }: Manifest): string[] {
  try {
    // With an alternative that is empty it matches everything, and tells its groups.
    const groups = (new RegExp(`${pattern}|`).exec('')?.length ?? 1) - 1;
    return groups > 0 ? [] : ['version.pattern: has no group: put what is the version in parentheses'];
  } catch (reason) {
    return [`version.pattern: ${(reason as Error).message}`];
  }
}

function placesOf({ version, setup, compile, run, prelude, env }: Manifest): Place[] {
  const program = ['entry', 'stem', 'sources'];
  const made = [...(compile ? ['out'] : []), ...(setup ? ['setup'] : [])];
  return [
    { field: 'version.argv', words: version.argv, may: [] },
    { field: 'setup.argv', words: setup?.argv ?? [], may: ['out'] },
    { field: 'setup.env', words: Object.values(setup?.env ?? {}), may: ['out'] },
    { field: 'compile.argv', words: compile?.argv ?? [], may: [...program, ...made] },
    { field: 'compile.env', words: Object.values(compile?.env ?? {}), may: ['entry', 'stem', ...made] },
    { field: 'run.argv', words: run.argv, may: [...program, 'args', ...made] },
    { field: 'prelude.argv', words: prelude?.argv ?? [], may: ['entry', 'stem', ...made] },
    { field: 'prelude.env', words: Object.values(prelude?.env ?? {}), may: setup ? ['setup'] : [] },
    {
      field: 'env',
      words: Object.values(env),
      may: [...(compile || setup ? ['out'] : []), ...(setup ? ['setup'] : [])],
    },
  ];
}

/** Why a placeholder may not stand in a word, or undefined when it may. */
function placeholderProblem(
  { tools, setup, compile }: Manifest,
  name: string,
  word: string,
  may: readonly string[],
): string | undefined {
  if (Object.hasOwn(tools, name)) return undefined;
  if (may.includes(name))
    return LISTS.includes(name) && word !== `{${name}}` ? 'must be a word of its own, not a part of one' : undefined;
  if (name === 'out' && !compile) return 'is what "compile" makes, and there is no "compile"';
  if (name === 'setup' && !setup) return 'is what "setup" makes, and there is no "setup"';
  if (RESERVED.includes(name)) return 'has no meaning here';
  return `is neither a tool nor anything else: there are ${[...Object.keys(tools), ...may].map((each) => `{${each}}`).join(', ')}`;
}

/**
 * Languages whose names are not theirs alone. A name always goes before an alias; which of two is meant by the same alias nobody
 * can tell, so neither has it. The names of broken ones are taken too: theirs are the jobs that would go elsewhere.
 */
export function clashesAmong(manifests: readonly Manifest[], broken: readonly BrokenManifest[]): BrokenManifest[] {
  const names = [...manifests, ...broken].map(({ name }) => name);
  const zygote = manifests.find(({ warm }) => warm === 'zygote');
  return manifests.flatMap((manifest) => {
    const { name, aliases, warm } = manifest;
    const problems = aliases.flatMap((alias) => {
      if (alias === name) return [];
      if (names.includes(alias))
        return [`aliases: "${alias}" is the name of the language in ${alias}/runner.json: take it out`];
      const other = manifests.find((each) => each !== manifest && each.aliases.includes(alias));
      return other ? [`aliases: "${alias}" is in ${other.name}/runner.json too: take it out of one of both`] : [];
    });
    if (warm === 'zygote' && manifest !== zygote)
      problems.push(`warm: one language can be a zygote, and that is the one in ${zygote?.name}/runner.json`);
    return problems.length > 0 ? [{ name, reason: `${name}/runner.json: ${problems.join('; ')}` }] : [];
  });
}
