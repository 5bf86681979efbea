/** Files beside the program are there for it, and what it leaves in "out" comes back. */
import type { LanguageCheck } from '../check.js';
import { expect, expectBytes } from '../failure.js';
import { expectExit } from '../outcome.js';

const DATA = 'some data\nin two lines\n';

export const files: LanguageCheck = {
  name: 'files',
  needs: ['files'],
  async run({ run }) {
    const outcome = await run('files', { files: { 'data.txt': DATA } });
    expectExit(outcome, 0);
    const paths = [...outcome.files.keys()];
    const result = outcome.files.get('result.txt');
    expect(result !== undefined, `result.txt did not come back; what came: ${paths.join(', ') || 'no file'}`);
    expectBytes(result, DATA.toUpperCase(), 'result.txt');
    expect(paths.length === 1, `files came back that the program did not leave in "out": ${paths.join(', ')}`);
    expect(outcome.exited.filesOmitted === 0, `files_omitted is ${outcome.exited.filesOmitted}`);
  },
};
