/** Files that come with one run lie beside the program too, and are gone with it; none takes the place of the program's own. */
import { status } from '@grpc/grpc-js';
import type { LanguageCheck, LanguageSubject } from '../check.js';
import { expect, expectBytes, expectRefusal } from '../failure.js';
import { expectExit } from '../outcome.js';

const DATA = 'data of this run\n';
/** Against a program with a file data.txt: the same, below it, and outside. */
const REFUSED = ['data.txt', 'data.txt/below', '../x'];

export const runFiles: LanguageCheck = {
  name: 'files of a run',
  needs: ['files'],
  async run(subject) {
    const outcome = await subject.run('files', { runFiles: { 'data.txt': DATA } });
    expectExit(outcome, 0);
    expectBytes(outcome.files.get('result.txt') ?? Buffer.alloc(0), DATA.toUpperCase(), 'result.txt');
    await expectGone(subject);
    for (const path of REFUSED) await expectRefused(subject, path);
  },
};

/** The next run of the same artifact must not see them. */
async function expectGone({ run }: LanguageSubject): Promise<void> {
  const { files } = await run('files');
  expect(files.get('result.txt')?.toString() !== DATA.toUpperCase(), 'the next run saw the files of the one before');
}

async function expectRefused({ prepare, start, execute }: LanguageSubject, path: string): Promise<void> {
  const digest = await prepare('files', { 'data.txt': 'its own' });
  const conversation = execute();
  conversation.send({ $case: 'start', value: start(digest, { runFiles: { [path]: DATA } }) });
  const what = `Execute with ${path} among the files of the run`;
  await expectRefusal(conversation.first('admitted'), status.INVALID_ARGUMENT, what);
}
