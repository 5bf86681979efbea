/** The RunnerService of `runner.proto`: translate, call what does the work, translate back. */
import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import type { runner } from '@runlane/contract';
import type { Log } from '@runlane/core';
import { DIGEST, digestOf } from './artifacts.js';
import { pathProblem, readBundle } from './check.js';
import { createExecute, type ExecuteDependencies, unknownLanguage } from './execute.js';
import { chooseLanguage } from './languages.js';
import { invalid, Refusal, toServiceError } from './refusal.js';

const CHUNK_BYTES = 64 * 1024;
const MAX_DIGESTS = 1000;

export interface ServiceDependencies extends ExecuteDependencies {
  readonly maxArtifactBytes: number;
  readonly log: Log;
}

export function createRunnerService(dependencies: ServiceDependencies): runner.RunnerServiceServer {
  const { languages, sandbox, artifacts, slots, maxArtifactBytes, log } = dependencies;
  const execute = createExecute(dependencies);

  return {
    describe: unary('Describe', () => {
      const { driver, summary, layers, weak, platform } = sandbox.description;
      return {
        languages: languages.map(({ manifest, version, toolchain, bounds }) => ({
          name: manifest.name,
          version,
          aliases: [...manifest.aliases],
          entry: manifest.entry,
          // A `compile` command in the manifest comes with the first language that has one.
          compiled: false,
          defaultLimits: bounds.defaults,
          maximumLimits: bounds.maxima,
          toolchain,
        })),
        slots: slots.total,
        freeSlots: slots.free,
        isolation: {
          driver,
          summary,
          weak,
          layers: layers.map(({ name, holds, detail }) => ({ name, holds, detail })),
        },
        platform,
      };
    }),

    prepare: unary('Prepare', ({ language: name, version, entry, bundle }) => {
      const language = chooseLanguage(languages, name, version);
      if (!language) throw unknownLanguage(name, version);
      if (bundle.length > maxArtifactBytes) throw invalid([`bundle is longer than ${maxArtifactBytes} bytes`]);
      const entryProblem = pathProblem(entry);
      if (entryProblem) throw invalid([`entry ${entryProblem}`]);
      const files = readBundle(bundle, 'bundle');
      if (!files.some((file) => file.path === entry)) throw invalid(['entry is not a file of the bundle']);
      // Without a compiler the sources are the artifact.
      return { artifactDigest: artifacts.put(bundle) };
    }),

    findMissing: unary('FindMissing', ({ digests }) => {
      if (digests.length > MAX_DIGESTS) throw invalid([`digests are more than ${MAX_DIGESTS}`]);
      if (!digests.every((digest) => DIGEST.test(digest)))
        throw invalid(['digests must be SHA-256 in lower-case hexadecimal']);
      return { digests: digests.filter((digest) => !artifacts.has(digest)) };
    }),

    async upload(call, answer) {
      try {
        let digest: string | undefined;
        const chunks: Buffer[] = [];
        let length = 0;
        for await (const { part } of call as AsyncIterable<runner.UploadRequest>) {
          if (part?.$case === 'digest' && digest === undefined && DIGEST.test(part.value)) digest = part.value;
          else if (part?.$case === 'chunk' && digest !== undefined) {
            length += part.value.length;
            if (length > maxArtifactBytes) throw invalid([`the artifact is longer than ${maxArtifactBytes} bytes`]);
            chunks.push(part.value);
          } else throw invalid(['first comes the digest, a SHA-256 in lower-case hexadecimal, then chunks']);
        }
        if (digest === undefined) throw invalid(['no digest came']);
        const bytes = Buffer.concat(chunks);
        if (digestOf(bytes) !== digest) throw invalid(['the bytes do not have this digest']);
        readBundle(bytes, 'artifact');
        artifacts.put(bytes);
        answer(null, {});
      } catch (reason) {
        answer(refusal('Upload', reason));
      }
    },

    async download(call) {
      const bytes = artifacts.get(call.request.digest);
      if (!bytes) {
        call.emit('error', toServiceError(new Refusal(status.NOT_FOUND, 'no such artifact is held here')));
        return;
      }
      for (let at = 0; at < bytes.length && !call.cancelled; at += CHUNK_BYTES) {
        const more = call.write({ chunk: bytes.subarray(at, at + CHUNK_BYTES) });
        if (!more)
          await new Promise((resolve) => call.once('drain', resolve).once('cancelled', () => resolve(undefined)));
      }
      call.end();
    },

    async execute(call) {
      const gone = new AbortController();
      // With a reason, as without one an error with a stack is made each time, also for a call that has ended well.
      call.once('cancelled', () => gone.abort('the caller is gone'));
      try {
        await execute(call, gone.signal);
        call.end();
      } catch (reason) {
        if (!gone.signal.aborted) call.emit('error', refusal('Execute', reason));
      }
    },
  };

  function refusal(method: string, reason: unknown) {
    // A refusal is the caller's affair; anything else is ours, and is logged with what led to it.
    if (!(reason instanceof Refusal)) log.error({ err: reason, method }, 'call failed');
    return toServiceError(reason);
  }

  function unary<I, O>(method: string, handle: (request: I) => O) {
    return (call: ServerUnaryCall<I, O>, answer: sendUnaryData<O>) => {
      let response: O;
      try {
        response = handle(call.request);
      } catch (reason) {
        return answer(refusal(method, reason));
      }
      answer(null, response);
    };
  }
}
