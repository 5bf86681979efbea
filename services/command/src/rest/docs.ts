/** The API's description, and a page to try it from: swagger-ui from its package, nothing from elsewhere. */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { createOpenApiDocument } from '@runlane/contract';
import { Router } from 'express';

const require = createRequire(import.meta.url);

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Runlane API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', tryItOutEnabled: true, validatorUrl: null });\n`;

/** @param version of Runlane. */
export function createDocs(version: string): Router {
  const assets = dirname(require.resolve('swagger-ui-dist/package.json'));
  const document = createOpenApiDocument(version);
  const routes = Router();
  routes.get('/openapi.json', (_request, response) => void response.json(document));
  routes.get('/docs', (_request, response) => void response.type('html').send(PAGE));
  routes.get('/docs/start.js', (_request, response) => void response.type('js').send(START));
  for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
    routes.get(`/docs/${name}`, (_request, response) => response.sendFile(name, { root: assets, maxAge: '1h' }));
  }
  return routes;
}
