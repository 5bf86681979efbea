/** What users see, on both forms of the platform. */
import { rm } from 'node:fs/promises';
import { after, before, describe } from 'node:test';
import { skipWithout } from '@runlane/core/testing';
import { testPlatform } from './platform.contract.js';
import { type Platform, startDistributed, startEmbedded, temporaryFolder } from './platforms.js';

interface Form {
  readonly name: string;
  readonly skip: string | false;
  start(): Promise<Platform>;
}

const folders: string[] = [];
const FORMS: readonly Form[] = [
  {
    name: 'embedded',
    skip: false,
    async start() {
      const folder = await temporaryFolder();
      folders.push(folder);
      return startEmbedded(folder);
    },
  },
  { name: 'distributed', skip: skipWithout('redis-server', 'mongo-wire'), start: () => startDistributed() },
];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

for (const form of FORMS) {
  describe(`the ${form.name} platform`, { skip: form.skip }, () => {
    let platform: Platform;
    before(async () => {
      platform = await form.start();
    });
    after(() => platform?.stop());

    testPlatform({ name: form.name, platform: () => platform });
  });
}
