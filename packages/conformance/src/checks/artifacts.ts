/** What Prepare made can be fetched, given to a runner that does not hold it, and run there: by digest alone. */
import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { runner } from '@runlane/contract';
import { digestOf, encodeBundle } from '../bundle.js';
import type { LanguageCheck, LanguageSubject } from '../check.js';
import { expect, expectBytes, expectRefusal } from '../failure.js';
import { expectExit, outcomeOf } from '../outcome.js';

export const artifactDownload: LanguageCheck = {
  name: 'artifact download',
  needs: ['hello'],
  async run({ client, prepare }) {
    const digest = await prepare('hello');
    const bytes = await client.download(digest);
    const actual = digestOf(bytes);
    expect(actual === digest, `what Download brings has the digest ${actual} and not ${digest}`);
    const missing = await client.findMissing([digest]);
    expect(missing.length === 0, 'FindMissing names an artifact that Download brings');
    const unknown = digestOf(Buffer.from(randomUUID()));
    await expectRefusal(client.download(unknown), status.NOT_FOUND, 'Download of an unknown digest');
  },
};

export const artifactUnknown: LanguageCheck = {
  name: 'artifact unknown',
  needs: ['hello'],
  async run(subject) {
    const { digest } = await newArtifact(subject);
    const missing = await subject.client.findMissing([digest]);
    expect(missing.join() === digest, 'FindMissing does not name an artifact that was never there');
    await expectRefusal(
      admitted(subject, digest),
      status.FAILED_PRECONDITION,
      'Execute of a digest that the runner does not hold',
    );
  },
};

export const artifactUpload: LanguageCheck = {
  name: 'artifact upload',
  needs: ['hello'],
  async run(subject) {
    const { client } = subject;
    const { digest, bytes } = await newArtifact(subject);
    await client.upload(digest, bytes);
    const missing = await client.findMissing([digest]);
    expect(missing.length === 0, 'FindMissing names an artifact that was uploaded');
    expectBytes(await client.download(digest), bytes, 'what Download brings');
    const conversation = await admitted(subject, digest);
    conversation.go();
    const outcome = await outcomeOf(conversation);
    expectExit(outcome, 0);
    expectBytes(outcome.stdout, 'Hello, World!\n', 'stdout of an uploaded artifact');
  },
};

export const artifactWrongDigest: LanguageCheck = {
  name: 'artifact digest',
  needs: ['hello'],
  async run(subject) {
    const { client } = subject;
    const { digest } = await newArtifact(subject);
    const { bytes } = await newArtifact(subject);
    await expectRefusal(client.upload(digest, bytes), status.INVALID_ARGUMENT, 'Upload of bytes with another digest');
    const missing = await client.findMissing([digest]);
    expect(missing.length === 1, 'bytes that do not have their digest were kept');
  },
};

/** The artifact of hello with one more file in it: as good, and never seen by the runner. */
async function newArtifact({ client, prepare }: LanguageSubject): Promise<{ digest: string; bytes: Buffer }> {
  const { files } = runner.Bundle.decode(await client.download(await prepare('hello')));
  const mark = { path: 'conformance.txt', content: Buffer.from(randomUUID()), executable: false };
  const bytes = encodeBundle([...files, mark]);
  return { digest: digestOf(bytes), bytes };
}

async function admitted({ execute, start }: LanguageSubject, digest: string) {
  const conversation = execute();
  conversation.send({ $case: 'start', value: start(digest) });
  await conversation.first('admitted');
  return conversation;
}
