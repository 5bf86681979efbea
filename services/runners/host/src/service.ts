/** The RunnerService of `runner.proto`: translate, call what does the work, translate back. */
import { once } from 'node:events';
import { type Metadata, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import type { runner } from '@runlane/contract';
import { inSpan, type Log } from '@runlane/core';
import { DIGEST, digestOf } from './artifacts.js';
import { pathProblem, readBundle } from './check.js';
import { compile } from './compile.js';
import { createExecute, type ExecuteDependencies, unknownLanguage } from './execute.js';
import type { Language, Unavailable } from './languages.js';
import { invalid, isBrokenOff, Refusal, toServiceError } from './refusal.js';

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
        languages: [...languages.available().map(toOffer), ...languages.unavailable().map(toLack)],
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

    async prepare(call, answer) {
      const gone = new AbortController();
      call.once('cancelled', () => gone.abort());
      try {
        const prepared = await served('Prepare', call, () => prepare(call.request, gone.signal));
        answer(null, prepared);
      } catch (reason) {
        answer(gone.signal.aborted ? { code: status.CANCELLED } : refusal('Prepare', reason));
      }
    },

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
      const gone = new AbortController();
      call.once('cancelled', () => gone.abort());
      for (let at = 0; at < bytes.length && !call.cancelled; at += CHUNK_BYTES) {
        const more = call.write({ chunk: bytes.subarray(at, at + CHUNK_BYTES) });
        // Its failure is that the caller has gone: there is nobody to tell.
        if (!more) await once(call, 'drain', { signal: gone.signal }).catch(() => undefined);
      }
      call.end();
    },

    async execute(call) {
      const gone = new AbortController();
      // With a reason, as without one an error with a stack is made each time, also for a call that has ended well.
      call.once('cancelled', () => gone.abort('the caller is gone'));
      try {
        await served('Execute', call, (span) => execute(call, gone.signal, span));
        call.end();
      } catch (reason) {
        if (!gone.signal.aborted) call.emit('error', refusal('Execute', reason));
      }
    },
  };

  async function prepare(request: runner.PrepareRequest, gone: AbortSignal): Promise<runner.PrepareResponse> {
    const { language: name, version, entry, bundle, limits } = request;
    const language = languages.choose(name, version);
    if (!language) throw unknownLanguage(name, version);
    if (bundle.length > maxArtifactBytes) throw invalid([`bundle is longer than ${maxArtifactBytes} bytes`]);
    const entryProblem = pathProblem(entry);
    if (entryProblem) throw invalid([`entry ${entryProblem}`]);
    const files = readBundle(bundle, 'bundle');
    if (!files.some((file) => file.path === entry)) throw invalid(['entry is not a file of the bundle']);
    // Without a compiler the sources are the artifact.
    if (!language.manifest.compile) return { artifactDigest: artifacts.put(bundle) };
    const release = slots.take();
    if (!release) throw new Refusal(status.RESOURCE_EXHAUSTED, `all ${slots.total} slots are taken`);
    try {
      const { artifact, result } = await compile(sandbox, { language, entry, files, limits }, gone);
      return { artifactDigest: artifact ? artifacts.put(artifact) : '', compile: result };
    } finally {
      release();
    }
  }

  function refusal(method: string, reason: unknown) {
    // A refusal, and leaving, is the caller's affair; anything else is ours, and is logged with what led to it.
    if (!(reason instanceof Refusal || isBrokenOff(reason))) log.error({ err: reason, method }, 'call failed');
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

/** In a span, where whoever calls says below which. */
function served<T>(
  method: string,
  { metadata }: { readonly metadata: Metadata },
  work: Parameters<typeof inSpan<T>>[2],
): Promise<T> {
  const place = metadata.get('traceparent')[0]?.toString();
  return inSpan(`RunnerService/${method}`, place, work, { kind: 'server' });
}

function toOffer({ manifest, version, toolchain, bounds, compileLimits }: Language): runner.RunnerLanguage {
  const { wallTimeMs, cpuTimeMs, memoryBytes } = compileLimits;
  const compile = manifest.compile && { wallTimeMs, cpuTimeMs, memoryBytes };
  const { name, title, aliases, entry } = manifest;
  return {
    name,
    title,
    aliases: [...aliases],
    entry,
    compiled: compile !== undefined,
    version,
    defaultLimits: { ...bounds.defaults, compile },
    maximumLimits: { ...bounds.maxima, compile },
    toolchain,
    unavailableReason: '',
    terminal: true,
  };
}

function toLack({ reason, name, title, aliases, entry, compiled }: Unavailable): runner.RunnerLanguage {
  return {
    name,
    title,
    aliases: [...aliases],
    entry,
    compiled,
    version: '',
    defaultLimits: undefined,
    maximumLimits: undefined,
    toolchain: '',
    unavailableReason: reason,
    terminal: false,
  };
}
