/** The whole platform with API keys, in both its forms. */
import { rm } from 'node:fs/promises';
import { after, before, describe } from 'node:test';
import { type Client, createClient } from '@runlane/client';
import { skipWithout } from '@runlane/core/testing';
import { ADMIN_KEY, type Platform, startDistributed, startEmbedded, temporaryFolder } from './platforms.js';

export interface WithKeys {
  readonly baseUrl: string;
  /** May do everything. */
  readonly admin: Client;
}

/** @param tests are given what there is once they run. @param env more than what keys need. */
export function onBothFormsWithKeys(
  subject: string,
  env: NodeJS.ProcessEnv,
  tests: (platform: () => WithKeys) => void,
): void {
  const given = { AUTH: 'keys', ADMIN_KEY, ...env };
  const forms = [
    { form: 'embedded', start: (folder: string) => startEmbedded(folder, given), skip: false },
    {
      form: 'distributed',
      start: () => startDistributed({ env: given }),
      skip: skipWithout('redis-server', 'mongo-wire'),
    },
  ] as const;
  for (const { form, start, skip } of forms) {
    describe(`${subject}, ${form}`, { skip }, () => {
      let folder: string;
      let platform: Platform;
      let withKeys: WithKeys;
      before(async () => {
        folder = await temporaryFolder();
        platform = await start(folder);
        const { baseUrl } = platform;
        withKeys = { baseUrl, admin: createClient({ server: baseUrl, apiKey: ADMIN_KEY }) };
      });
      after(async () => {
        await platform?.stop();
        await rm(folder, { recursive: true, force: true });
      });
      tests(() => withKeys);
    });
  }
}
