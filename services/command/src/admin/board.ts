/** Bull Board at `/admin/queues`: what waits and what runs. Read-only, and job data is the id alone: no source, no output. */
import { createBullBoard } from '@bull-board/api';
import { BullAdapter } from '@bull-board/api/bullAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { QUEUED_STAGES } from '@runlane/core';
import type { OpenQueue } from '@runlane/core/adapters';
import type { Express } from 'express';
import { EmbeddedQueueAdapter } from './embedded-queue-adapter.js';

const BOARD_PATH = '/admin/queues';

export function createBoard(open: OpenQueue): Express {
  const serverAdapter = new ExpressAdapter();
  serverAdapter.setBasePath(BOARD_PATH);
  const queues =
    open.kind === 'bull'
      ? open.queue.boardQueues.map((queue) => new BullAdapter(queue, { readOnlyMode: true }))
      : QUEUED_STAGES.map((stage) => new EmbeddedQueueAdapter(open.queue, stage));
  createBullBoard({ queues, serverAdapter, options: { uiConfig: { boardTitle: 'Runlane' } } });
  const app = serverAdapter.getRouter() as Express;
  app.disable('x-powered-by');
  return app;
}
