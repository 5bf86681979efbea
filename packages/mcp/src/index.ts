/** Runlane as a tool of AI agents, over the Model Context Protocol. */
export { type HttpOptions, type McpDoor, serveHttp } from './http.js';
export type { Platform } from './platform.js';
export { serveStdio } from './stdio.js';
