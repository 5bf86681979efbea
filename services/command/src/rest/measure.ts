/** Measures what is answered over HTTP, by the pattern of its route. */
import type { RequestHandler } from 'express';
import type { Metrics } from '../metrics.js';

export function createMeasure(metrics: Metrics): RequestHandler {
  return (request, response, next) => {
    const startMs = performance.now();
    response.once('finish', () => {
      // It lasts as long as somebody watches.
      if (String(response.get('Content-Type')).startsWith('text/event-stream')) return;
      // What no route answered has a path of its caller's own making.
      const route = request.route ? `${request.baseUrl}${request.route.path}` : 'none';
      metrics.requested({ method: request.method, route, status: response.statusCode }, performance.now() - startMs);
    });
    next();
  };
}
