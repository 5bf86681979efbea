/** What a runner must not take, and how it says so: a worker does something else for each status. */
import { status } from '@grpc/grpc-js';
import { runner } from '@runlane/contract';
import { bundleOf } from '../bundle.js';
import type { LanguageCheck, RunnerCheck } from '../check.js';
import { expectRefusal } from '../failure.js';

const NO_LANGUAGE = 'no-such-language';
const NO_DIGEST = '0'.repeat(64);
const OUTSIDE = '../x';

export const unknownLanguage: RunnerCheck = {
  name: 'unknown language',
  async run({ client, execute }) {
    const request = runner.PrepareRequest.fromPartial({
      language: NO_LANGUAGE,
      entry: 'main',
      bundle: bundleOf({ main: '' }),
    });
    await expectRefusal(client.prepare(request), status.NOT_FOUND, 'Prepare of an unknown language');
    const value = runner.Start.fromPartial({ language: NO_LANGUAGE, entry: 'main', artifactDigest: NO_DIGEST });
    const conversation = execute();
    conversation.send({ $case: 'start', value });
    await expectRefusal(conversation.first('admitted'), status.NOT_FOUND, 'Execute of an unknown language');
  },
};

export const nonsense: RunnerCheck = {
  name: 'nonsense first',
  async run({ execute }) {
    const goes = execute();
    goes.go();
    await expectRefusal(goes.first('admitted'), status.INVALID_ARGUMENT, 'go as the first message');
    const saysNothing = execute();
    saysNothing.sendNothing();
    await expectRefusal(saysNothing.first('admitted'), status.INVALID_ARGUMENT, 'an empty first message');
  },
};

export const badPath: LanguageCheck = {
  name: 'bad path',
  needs: ['hello'],
  async run({ client, prepareRequest, prepare, start, execute }) {
    const request = await prepareRequest('hello');
    const refused = (changes: Partial<runner.PrepareRequest>, what: string) =>
      expectRefusal(client.prepare({ ...request, ...changes }), status.INVALID_ARGUMENT, what);
    await refused({ entry: OUTSIDE }, `Prepare with the entry ${OUTSIDE}`);
    const bundle = bundleOf({ [request.entry]: '', [OUTSIDE]: '' });
    await refused({ bundle }, `Prepare with a file ${OUTSIDE}`);
    const conversation = execute();
    conversation.send({ $case: 'start', value: { ...start(await prepare('hello')), entry: OUTSIDE } });
    const what = `Execute with the entry ${OUTSIDE}`;
    await expectRefusal(conversation.first('admitted'), status.INVALID_ARGUMENT, what);
  },
};
