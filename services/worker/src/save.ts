/** The stage `code-save`: keep the source by its digest and have a runner prepare it (compile it, where that is to be done). */
import {
  deliveryOf,
  digestOf,
  inSpan,
  type Job,
  type JobId,
  type Prepared,
  type Result,
  rememberTrace,
  resultWithoutRun,
  type Span,
  type TracePlace,
  tellMoment,
} from '@runlane/core';
import { brokenOff, claimStage, endJob, type Outcome, withLease } from './claimed.js';
import type { WorkerContext } from './context.js';
import { createFeedWriter } from './feed-writer.js';
import { prepareRequest, prepareWithinMs, type Sources } from './prepare.js';
import { RunnerError } from './runner-connection.js';
import { noRunnerFor, type Offer, type Slot, type Wanted, wantedFor } from './runner-pool.js';
import { ATTEMPT_SPANS } from './tracing.js';

export function createSave(context: WorkerContext) {
  const { store, queue, feed, pool, log } = context;

  return async function save(id: JobId): Promise<Outcome> {
    tellMoment(id, 'saving');
    const job = await store.job(id);
    if (!job) return 'skipped';
    rememberTrace(job);
    if (await store.saved(id)) {
      await queue.add('exec', id, deliveryOf(job, 'exec'));
      return 'skipped';
    }
    const checker = job.program.judge?.checker;
    // Before there is a slot: nobody is to wait for one that is held by who waits for a runner.
    if (checker && !(await pool.find(checker, context.draining))) return 'skipped';
    const wanted = wantedFor(job.program);
    const place = await placeFor(context, wanted, context.draining);
    if (!place) return 'skipped';
    const spanOptions = { kind: 'consumer', attributes: { 'runlane.job.id': id } } as const;
    return inSpan(ATTEMPT_SPANS.save, job.trace, (span) => saveAt(job, place, wanted, span), spanOptions);
  };

  async function saveAt(job: Job, place: Slot, wanted: Wanted, span: Span): Promise<Outcome> {
    const { id, program } = job;
    const checker = program.judge?.checker;
    const traced = { ...context, trace: span.place };
    try {
      const beginning = { span, begunAtMs: Date.now(), readyAtMs: job.createdAtMs };
      const claim = await claimStage(context, job, 'save', beginning);
      if (!claim) return 'skipped';
      return await withLease(context, job, claim, async (signal) => {
        // All that happens before the first execution has number 0; each save attempt that failed has told one event.
        const events = createFeedWriter(feed, id, 0, log, claim.attempt - 1);
        const end = async (result: Result): Promise<Outcome & 'done'> => {
          await endJob(context, job, 0, result);
          await events.end();
          return 'done';
        };
        try {
          signal.throwIfAborted();
          events.status('saving');
          const prepared = await prepareAt(traced, place, wanted, program, signal);
          if (prepared.artifactDigest === '') {
            return await end(resultWithoutRun('compile_failed', prepared.compile && { compile: prepared.compile }));
          }
          const judge =
            checker && (await prepareAt(traced, await placeFor(context, checker, signal), checker, checker, signal));
          if (judge?.artifactDigest === '') return await end(checkerRefused(judge));
          await store.markSaved(id, { ...prepared, ...(judge && { checker: judge }), savedAtMs: Date.now() });
          tellMoment(id, 'saved');
          events.status('queued');
          await queue
            .add('exec', id, deliveryOf(job, 'exec'))
            .catch(() => log.warn({ jobId: id }, 'not queued; the reconciler will'));
          return 'done';
        } catch (error) {
          if (signal.reason === 'cancelled') return await end(resultWithoutRun('cancelled'));
          if (error instanceof RunnerError && error.failure === 'refused') {
            return await end(resultWithoutRun('error', { message: `the runner refused: ${error.message}` }));
          }
          return brokenOff(context, claim, { signal, span, error });
        }
      });
    } finally {
      place.release();
    }
  }
}

/** With the place of the attempt in a trace. */
interface TracedContext extends WorkerContext {
  readonly trace: TracePlace | undefined;
}

/** Where something can be made ready. Only compiling takes a slot: checking sources must not wait behind runs. */
async function placeFor({ pool }: WorkerContext, wanted: Wanted, signal: AbortSignal): Promise<Slot | undefined> {
  const offer = await pool.find(wanted, signal);
  return offer?.language.compiled ? pool.acquire(wanted, signal) : offer && { ...offer, release: () => {} };
}

/**
 * Make sources ready at this place, which is given up. A runner that turns out to have no room, as other workers took it, has
 * started nothing: nothing is counted, and the next place is one with a slot, which the pool gives out ever more slowly.
 */
async function prepareAt(
  context: TracedContext,
  first: Slot | undefined,
  wanted: Wanted,
  program: Sources,
  signal: AbortSignal,
): Promise<Prepared> {
  for (let place = first; place; place = await context.pool.acquire(wanted, signal)) {
    let outcome: 'busy' | undefined;
    try {
      return await prepare(context, place, program, signal);
    } catch (error) {
      if (!(error instanceof RunnerError && error.failure === 'busy')) throw error;
      outcome = 'busy';
    } finally {
      place.release(outcome);
    }
  }
  signal.throwIfAborted();
  throw noRunnerFor(wanted);
}

function checkerRefused({ compile }: Prepared): Result {
  const message = 'the checker (judge.checker) does not compile; the program was not run';
  return resultWithoutRun('compile_failed', { message, ...(compile && { checkerCompile: compile }) });
}

/** Keep the source, and make it ready on this runner unless these sources were made ready before. */
async function prepare(
  { store, artifacts, trace }: TracedContext,
  offer: Offer,
  program: Sources,
  signal: AbortSignal,
): Promise<Prepared> {
  const { member, language } = offer;
  const request = prepareRequest(program, language);
  const sourceDigest = await artifacts.put(request.bundle);
  const key = digestOf(
    Buffer.from(
      JSON.stringify([sourceDigest, request.entry, language.name, language.toolchain, member.description.platform]),
    ),
  );
  const known = await store.build(key);
  // What it led to may have been evicted; asking is use, so it is not until it is run.
  const isKept = async ({ artifactDigest: made }: Prepared) =>
    made === '' || made === sourceDigest || (await artifacts.touch(made));
  if (known && (await isKept(known))) return known;

  const withinMs = prepareWithinMs(program);
  const { artifactDigest, compile } = await inSpan('prepare', trace, (span) =>
    member.connection.prepare(request, withinMs, signal, span.place),
  );
  const build: Prepared = {
    artifactDigest,
    ...(language.compiled && { version: language.version }),
    ...(compile && {
      compile: { exitCode: compile.exitCode ?? null, diagnostics: compile.diagnostics, wallTimeMs: compile.wallTimeMs },
    }),
  };
  if (artifactDigest !== '') {
    member.holds.set(artifactDigest, true);
    if (artifactDigest !== sourceDigest) await artifacts.put(await checkedDownload(offer, artifactDigest, signal));
  }
  // What met a limit may fit below another client's: only the compiler's own verdict is for everybody.
  if (artifactDigest !== '' || compile?.exitCode !== undefined) {
    if (known) await store.forgetBuild(key);
    await store.recordBuild(key, build);
  }
  return build;
}

async function checkedDownload({ member }: Offer, digest: string, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = await member.connection.download(digest, signal);
  if (digestOf(bytes) !== digest)
    throw new RunnerError('lost', 'the runner sent an artifact that does not fit its digest');
  return bytes;
}
