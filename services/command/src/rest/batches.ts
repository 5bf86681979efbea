/** The REST door to batches. What each route takes and answers: `openapi.ts` of the contract. */
import { BATCH_DONE, batchEventIdSchema, batchParamsSchema } from '@runlane/contract';
import { methodNotAllowed } from '@runlane/http';
import { type Request, Router } from 'express';
import { toBatchJson } from '../batch-json.js';
import type { Command } from '../command.js';
import { validate } from '../validate.js';
import type { BatchEvent } from '../watch-batch.js';
import { callerOf } from './authenticate.js';
import { readBatchJson } from './body.js';
import { type SentEvent, sendEvents } from './events.js';
import { goneSignal } from './gone-signal.js';
import { keyOf } from './idempotency-key.js';

/** @param closing aborts when the server stops: whoever watches is answered then, and can come back. */
export function createBatchRoutes({ submitBatch, batches, watchBatch }: Command, closing: AbortSignal): Router {
  const routes = Router();

  routes
    .route('/v1/batches')
    .post(...readBatchJson, async (request, response) => {
      const { view, replayed } = await submitBatch({
        body: request.body,
        caller: callerOf(response),
        idempotencyKey: keyOf(request),
      });
      if (replayed) response.set('Idempotency-Replayed', 'true');
      response.status(202).location(`/v1/batches/${view.batch.id}`).json(toBatchJson(view));
    })
    .all(methodNotAllowed('POST'));

  routes
    .route('/v1/batches/:id')
    .get(async (request, response) => {
      response.json(toBatchJson(await batches.get(callerOf(response).ownerId, idOf(request))));
    })
    .all(methodNotAllowed('GET'));

  routes
    .route('/v1/batches/:id/cancel')
    .post(async (request, response) => {
      response.status(202).json(toBatchJson(await batches.cancel(callerOf(response).ownerId, idOf(request))));
    })
    .all(methodNotAllowed('POST'));

  routes
    .route('/v1/batches/:id/events')
    .get(async (request, response) => {
      const id = idOf(request);
      const lastEventId = request.get('Last-Event-ID');
      if (lastEventId) {
        // An EventSource comes back after the end as after any other loss.
        validate(batchEventIdSchema, lastEventId, 'Last-Event-ID');
        await batches.batch(callerOf(response).ownerId, id);
        response.status(204).end();
        return;
      }
      const signal = goneSignal(response, closing);
      await sendEvents(response, watchBatch(callerOf(response).ownerId, id, signal), toSentEvent, signal);
    })
    .all(methodNotAllowed('GET'));

  return routes;
}

function idOf(request: Request): string {
  return validate(batchParamsSchema, request.params).id;
}

function toSentEvent(event: BatchEvent): SentEvent {
  switch (event.type) {
    case 'job': {
      const { index, id, status } = event;
      return { event: 'job', data: { index, id, status } };
    }
    case 'progress':
      return { event: 'progress', data: event.progress };
    case 'done':
      return { id: BATCH_DONE, event: 'done', data: toBatchJson(event.view) };
  }
}
