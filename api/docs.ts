import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import express, { type RequestHandler } from 'express';
import { plainRoute, type PlainRoute } from './route.ts';

/** The page that people read the OpenAPI document on. Everything on it is served from here; nothing from elsewhere. */

const assetsPath = '/v1/docs/assets';

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  // The page's library sets styles on its elements and draws its icons inline.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>MindPeeker API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${assetsPath}/swagger-ui.css">
<style>
body { margin: 0; background: #fafafa; }
.swagger-ui .info { margin: 32px 0 24px; }
.swagger-ui .scheme-container { box-shadow: none; background: none; padding: 0 0 16px; }
</style>
</head>
<body>
<div id="docs"><p style="font: 16px system-ui; padding: 32px">The document is at <a href="/v1/openapi.json">/v1/openapi.json</a>; reading it here needs JavaScript.</p></div>
<script src="${assetsPath}/swagger-ui-bundle.js"></script>
<script src="/v1/docs/start.js"></script>
</body>
</html>
`;

const startScript = `SwaggerUIBundle({
  url: '/v1/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
`;

export const docsRoutes: PlainRoute[] = [
  plainRoute({
    path: '/v1/docs',
    tag: 'Operations',
    summary: 'This document as a page',
    contentType: 'text/html; charset=utf-8',
    headers: { 'Content-Security-Policy': contentSecurityPolicy, 'Cache-Control': 'public, max-age=300' },
    render: () => page,
  }),
  plainRoute({
    path: '/v1/docs/start.js',
    tag: 'Operations',
    summary: 'The script of the page',
    contentType: 'text/javascript; charset=utf-8',
    headers: { 'Cache-Control': 'public, max-age=300' },
    render: () => startScript,
  }),
];

/** The library of the page, from its npm package. */
export function docsAssets(): [string, RequestHandler] {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  return [assetsPath, express.static(folder, { index: false, redirect: false, maxAge: '1h' })];
}
