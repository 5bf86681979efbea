/** The REST door: translate, call a use case, translate back. What each route takes and answers: `openapi.ts` of the contract. */
import {
  eventIdSchema,
  execResultQuerySchema,
  fileParamsSchema,
  jobParamsSchema,
  type LanguageJson,
  listQuerySchema,
  type SystemJson,
  submitCodeSchema,
} from '@runlane/contract';
import { type Log, tellMoment, toJobJson, toSummaryJson } from '@runlane/core';
import { methodNotAllowed } from '@runlane/http';
import { type Request, Router } from 'express';
import type { Command } from '../command.js';
import { toExecResultJson } from '../exec-result-json.js';
import type { KnownLanguage } from '../languages.js';
import { validate } from '../validate.js';
import { checkAsksForWebSocket, converse } from './attach.js';
import { callerOf } from './authenticate.js';
import { readJson } from './body.js';
import { sendEvents } from './events.js';
import { sendFile } from './files.js';
import { goneSignal } from './gone-signal.js';
import { keyOf } from './idempotency-key.js';
import { toSentEvent } from './job-events.js';
import { preferredWaitSeconds } from './prefer.js';
import type { WebSockets } from './web-socket.js';

/** @param closing aborts when the server stops: whoever waits or watches is answered then, and can come back. */
export function createRoutes(
  { submit, jobs, watch, attachments, files, deliveries, languages, version }: Command,
  webSockets: WebSockets,
  closing: AbortSignal,
  log: Log,
): Router {
  const routes = Router();

  routes
    .route('/submit-code')
    .post(...readJson, async (request, response) => {
      const { view } = await submit({ body: validate(submitCodeSchema, request.body), caller: callerOf(response) });
      response.status(202).location(`/exec-result?jobId=${view.job.id}`).json({ jobId: view.job.id });
    })
    .all(methodNotAllowed('POST'));

  routes
    .route('/exec-result')
    .get(async (request, response) => {
      const { jobId } = validate(execResultQuerySchema, request.query);
      response.json(toExecResultJson(await jobs.get(callerOf(response).ownerId, jobId)));
    })
    .all(methodNotAllowed('GET'));

  routes
    .route('/v1/jobs')
    .post(...readJson, async (request, response) => {
      const { view, replayed } = await submit({
        body: request.body,
        caller: callerOf(response),
        idempotencyKey: keyOf(request),
      });
      if (replayed) response.set('Idempotency-Replayed', 'true');
      response.location(`/v1/jobs/${view.job.id}`);
      const waitSeconds = preferredWaitSeconds(request.get('Prefer'));
      if (waitSeconds > 0) response.set('Preference-Applied', `wait=${waitSeconds}`);
      const now =
        waitSeconds > 0 && !view.result
          ? await watch
              .wait(callerOf(response).ownerId, view.job.id, waitSeconds * 1_000, goneSignal(response, closing))
              .catch(() => view)
          : view;
      response.status(now.result ? 200 : 202).json(toJobJson(now));
      tellMoment(view.job.id, 'answered');
    })
    .get(async (request, response) => {
      const { limit, cursor, status, language } = validate(listQuerySchema, request.query);
      const page = await jobs.list({ ownerId: callerOf(response).ownerId, limit, before: cursor, status, language });
      response.json({ jobs: page.jobs.map(toSummaryJson), ...(page.next && { nextCursor: page.next }) });
    })
    .all(methodNotAllowed('GET', 'POST'));

  routes
    .route('/v1/jobs/:id')
    .get(async (request, response) => {
      response.json(toJobJson(await jobs.get(callerOf(response).ownerId, idOf(request))));
    })
    .all(methodNotAllowed('GET'));

  routes
    .route('/v1/jobs/:id/cancel')
    .post(async (request, response) => {
      response.status(202).json(toJobJson(await jobs.cancel(callerOf(response).ownerId, idOf(request))));
    })
    .all(methodNotAllowed('POST'));

  routes
    .route('/v1/jobs/:id/events')
    .get(async (request, response) => {
      const lastEventId = request.get('Last-Event-ID') || undefined;
      const after = lastEventId && validate(eventIdSchema, lastEventId, 'Last-Event-ID');
      const signal = goneSignal(response, closing);
      await sendEvents(
        response,
        watch.watch(callerOf(response).ownerId, idOf(request), after, signal),
        toSentEvent,
        signal,
      );
    })
    .all(methodNotAllowed('GET'));

  routes
    .route('/v1/jobs/:id/attach')
    .get(async (request, response) => {
      const id = idOf(request);
      checkAsksForWebSocket(webSockets, request);
      const attachment = await attachments.attach(callerOf(response).ownerId, id);
      await webSockets.serve(request, (conversation) => converse(conversation, attachment, closing, log));
      await attachment.leave();
    })
    .all(methodNotAllowed('GET'));

  routes
    .route('/v1/jobs/:id/files/*path')
    .get(async (request, response) => {
      const { id, path: parts } = request.params;
      const { path } = validate(fileParamsSchema, { id, path: parts.join('/') });
      const file = await files.find(callerOf(response).ownerId, id, path);
      await sendFile(request, response, file, files);
    })
    .all(methodNotAllowed('GET', 'HEAD'));

  routes
    .route('/v1/jobs/:id/deliveries')
    .get(async (request, response) => {
      response.json(await deliveries.of(callerOf(response).ownerId, idOf(request)));
    })
    .all(methodNotAllowed('GET'));

  routes
    .route('/v1/languages')
    .get(async (_request, response) => {
      response.json({ languages: (await languages.all()).map(toLanguageJson) });
    })
    .all(methodNotAllowed('GET'));

  routes
    .route('/v1/system')
    .get(async (_request, response) => {
      const runners = (await languages.runners()).map(({ slots, available, isolation }) => ({
        slots,
        available,
        isolation,
      }));
      response.json({ version, runners } satisfies { version: string; runners: readonly object[] } as SystemJson);
    })
    .all(methodNotAllowed('GET'));

  return routes;
}

function idOf(request: Request): string {
  return validate(jobParamsSchema, request.params).id;
}

function toLanguageJson(language: KnownLanguage): LanguageJson {
  const {
    name,
    title,
    version,
    aliases,
    entry,
    compiled,
    terminal,
    available,
    unavailableReason,
    defaultLimits,
    maximumLimits,
  } = language;
  return {
    name,
    title,
    version,
    aliases: [...aliases],
    entry,
    compiled,
    terminal,
    available,
    ...(unavailableReason !== undefined && { unavailableReason }),
    defaultLimits,
    maximumLimits,
  } as LanguageJson;
}
