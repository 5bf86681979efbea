// Gather the types that programs are checked against into the folder given: those of Node.js where they are installed,
// else the few names that most programs use.
const { cpSync, existsSync } = require('node:fs');
const { join } = require('node:path');

const [out] = process.argv.slice(2);
const roots = ['/usr/share/nodejs/@types', '/usr/local/lib/node_modules/@types', '/usr/lib/node_modules/@types'];
const installed = roots.map((root) => join(root, 'node')).find((folder) => existsSync(folder));
cpSync(installed ?? 'node', join(out, 'node'), { recursive: true, dereference: true });
