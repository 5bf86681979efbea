/** The REST door to API keys. What each route takes and answers: `openapi.ts` of the contract. */
import { type ApiKeyJson, keyListQuerySchema, keyParamsSchema, newApiKeySchema, RunlaneError } from '@runlane/contract';
import { type KnownKey, toTime } from '@runlane/core';
import { methodNotAllowed } from '@runlane/http';
import { Router } from 'express';
import { RESERVED_OWNERS } from '../auth/caller.js';
import type { Keys } from '../auth/keys.js';
import { invalidRequest, validate } from '../validate.js';
import { readJson } from './body.js';

/** @param keys undefined where there are none. */
export function createKeyRoutes(keys: Keys | undefined): Router {
  const routes = Router();
  const known = () => {
    if (keys) return keys;
    throw new RunlaneError('NOT_FOUND', 'there are no keys here: AUTH=keys, and ADMIN_KEY, turn them on');
  };

  routes
    .route('/v1/keys')
    .post(...readJson, async (request, response) => {
      const wanted = validate(newApiKeySchema, request.body);
      if (wanted.ownerId !== undefined && RESERVED_OWNERS.has(wanted.ownerId))
        throw invalidRequest([{ field: 'ownerId', reason: `"${wanted.ownerId}" is somebody already` }]);
      const { key, text } = await known().create(wanted);
      response.status(201).json({ ...toKeyJson(key), key: text });
    })
    .get(async (request, response) => {
      const { cursor } = validate(keyListQuerySchema, request.query);
      const { keys, next } = await known().list(cursor);
      response.json({ keys: keys.map(toKeyJson), ...(next !== undefined && { nextCursor: next }) });
    })
    .all(methodNotAllowed('GET', 'POST'));

  routes
    .route('/v1/keys/:id/revoke')
    .post(async (request, response) => {
      const { id } = validate(keyParamsSchema, request.params);
      response.json(toKeyJson(await known().revoke(id)));
    })
    .all(methodNotAllowed('POST'));

  return routes;
}

/** Without its hash: nobody needs that. */
function toKeyJson({ id, name, ownerId, scopes, limits, createdAtMs, expiresAtMs, revokedAtMs }: KnownKey): ApiKeyJson {
  return {
    id,
    name,
    ownerId,
    scopes: [...scopes],
    limits,
    createdAt: toTime(createdAtMs),
    ...(expiresAtMs !== undefined && { expiresAt: toTime(expiresAtMs) }),
    ...(revokedAtMs !== undefined && { revokedAt: toTime(revokedAtMs) }),
  };
}
