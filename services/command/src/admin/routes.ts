/** The status page, and what it shows as JSON, for whoever looks after the platform. */
import { type PlatformStatusJson, RunlaneError } from '@runlane/contract';
import { toTime } from '@runlane/core';
import { methodNotAllowed } from '@runlane/http';
import { Router } from 'express';
import type { Command } from '../command.js';
import { readPage, sendPage } from '../rest/pages.js';
import type { PlatformStatus } from '../status.js';

export function createAdminRoutes({ status, metrics, version }: Command): Router {
  const routes = Router();
  const page = readPage('admin.html');

  routes
    .route('/admin')
    .get((_request, response) => {
      if (page === undefined) throw new RunlaneError('NOT_FOUND', 'the pages are not built: npm run build makes them');
      sendPage(response, page);
    })
    .all(methodNotAllowed('GET'));

  routes
    .route('/admin/status')
    .get(async (_request, response) => {
      response.json(toStatusJson(version, await status()));
    })
    .all(methodNotAllowed('GET'));

  routes
    .route('/metrics')
    .get(async (_request, response) => {
      response.type(metrics.contentType).send(await metrics.text());
    })
    .all(methodNotAllowed('GET'));

  return routes;
}

function toStatusJson(
  version: string,
  { unfinishedJobs, queues, workers, runners }: PlatformStatus,
): PlatformStatusJson {
  return {
    version,
    now: toTime(Date.now()),
    unfinishedJobs,
    queues: [...queues],
    workers: workers.map(({ id, startedAtMs, seenAtMs, available, slots, ended }) => ({
      id,
      available,
      startedAt: toTime(startedAtMs),
      seenAt: toTime(seenAtMs),
      slots,
      ended,
    })),
    runners: runners.map(({ slots, available, isolation, seenAtMs, languages }) => ({
      slots,
      available,
      seenAt: toTime(seenAtMs),
      isolation: { ...isolation, layers: [...isolation.layers] },
      languages: languages.map(({ name, version, unavailableReason }) => ({ name, version, unavailableReason })),
    })),
  };
}
