'use strict';
/**
 * Loaded by `node --require` before the main file, which is not there yet: waits for it, and makes this process what
 * `node main.js` would be then. What Node.js does next, it does as ever. Frames: jail/frames.py of the host.
 */
const fs = require('node:fs');
const { dirname } = require('node:path');
const { isMainThread } = require('node:worker_threads');

const RUN_FD = 4;
const [RUN, FILE, START] = [1, 2, 3];

// A worker thread loads again what its process has loaded.
if (isMainThread) {
  rehearse();
  awaitRun();
}
// As if this had not been loaded: `--require` and its path.
process.execArgv.splice(0, 2);
delete require.cache[__filename];

/** Made at their first use, which costs most of a short program's time. */
function rehearse() {
  console.assert(process.stdout, process.stderr);
}

function awaitRun() {
  for (let kind; kind !== START; ) {
    const header = read(5);
    kind = header[4];
    const payload = read(header.readUInt32BE(0));
    if (kind === FILE) writeFile(payload);
    else if (kind === RUN) take(payload);
  }
  fs.closeSync(RUN_FD);
}

function read(length) {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const count = fs.readSync(RUN_FD, bytes, at, length - at, null);
    // Nobody needs this process any more.
    if (count === 0) process.reallyExit(0);
    at += count;
  }
  return bytes;
}

function writeFile(payload) {
  const end = 2 + payload.readUInt16BE(0);
  const path = payload.toString('utf8', 2, end);
  fs.mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  fs.writeFileSync(path, payload.subarray(end + 1), { flag: 'wx', mode: payload[end] ? 0o755 : 0o644 });
}

/** The words are those of `node main.js …`, as if it had been started so. */
function take(payload) {
  const [count, variables, ...words] = payload.toString().split('\0').slice(0, -1);
  process.argv.push(...words.slice(2, count));
  const pairs = words.slice(count);
  for (let at = 0; at < 2 * variables; at += 2) {
    if (process.env[pairs[at]] !== pairs[at + 1]) process.env[pairs[at]] = pairs[at + 1];
  }
}
