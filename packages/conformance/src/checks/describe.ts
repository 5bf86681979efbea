/** What a runner says of itself, which a worker believes. */
import type { runner, types } from '@runlane/contract';
import type { RunnerCheck } from '../check.js';
import { expect } from '../failure.js';

/** Limits without which a worker cannot tell how long a run may take or how much it brings. */
const NEEDED_LIMITS = ['wallTimeMs', 'cpuTimeMs', 'memoryBytes', 'outputBytes'] as const;

export const describe: RunnerCheck = {
  name: 'describe',
  async run({ client }) {
    const described = await client.describe();
    const { languages, slots, freeSlots, isolation, platform } = described;
    expect(slots >= 1, `slots is ${slots}`);
    expect(freeSlots <= slots, `free_slots is ${freeSlots} of ${slots}`);
    expect(/^[a-z0-9]+\/[a-z0-9_]+$/.test(platform), `platform is "${platform}", which is not like "linux/x64"`);
    expect(isolation !== undefined, 'isolation is not said');
    expect(isolation.driver !== '' && isolation.summary !== '', 'isolation has no driver or no summary');
    expect(languages.length > 0, 'no language is described');
    const versions = languages.map(({ name, version }) => `${name} ${version}`);
    expectDistinct(versions, 'described twice');
    const usual = new Map(languages.map((language) => [language.name, language]));
    expectDistinct(
      [...usual.values()].flatMap(({ name, aliases }) => [name, ...aliases]),
      'what two languages are called',
    );
    for (const language of languages) checkLanguage(language);
  },
};

function expectDistinct(texts: readonly string[], what: string): void {
  const twice = texts.find((text, at) => texts.indexOf(text) !== at);
  expect(twice === undefined, `${twice} is ${what}`);
}

function checkLanguage(language: runner.RunnerLanguage): void {
  const { name, version, toolchain, entry, defaultLimits, maximumLimits, unavailableReason } = language;
  expect(/^[a-z][a-z0-9+#-]{0,31}$/.test(name), `"${name}" is no name of a language`);
  if (unavailableReason !== '') {
    expect(!version && !toolchain, `${name} is not available, and has a version or a toolchain all the same`);
    return;
  }
  expect(version !== '', `${name} has no version`);
  expect(toolchain !== '', `${name} has no toolchain`);
  expect(entry !== '', `${name} has no entry`);
  for (const limit of NEEDED_LIMITS) checkLimit(name, limit, defaultLimits, maximumLimits);
}

function checkLimit(
  language: string,
  limit: (typeof NEEDED_LIMITS)[number],
  defaults: types.Limits | undefined,
  maxima: types.Limits | undefined,
): void {
  const [byDefault, most] = [defaults?.[limit], maxima?.[limit]];
  expect(byDefault !== undefined && most !== undefined, `${language} has no default or no maximum of ${limit}`);
  expect(byDefault <= most, `${language} has a default ${limit} of ${byDefault} above its maximum of ${most}`);
}
