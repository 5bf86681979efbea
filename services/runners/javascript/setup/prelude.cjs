'use strict';
/**
 * Loaded by `node --require` before the main file, which is not there yet: waits for it, and makes this process what
 * `node main.js` would be then. What Node.js does next, it does as ever. Frames: jail/frames.py of the host.
 */
const fs = require('node:fs');
const { Socket } = require('node:net');
const { dirname } = require('node:path');
const { isMainThread } = require('node:worker_threads');

const [TOLD_FD, RUN_FD] = [3, 4];
const [RUN, FILE, START] = [1, 2, 3];

// A worker thread loads again what its process has loaded.
if (isMainThread) {
  rehearse();
  awaitRun();
}
// As if this had not been loaded: `--require` and its path.
process.execArgv.splice(0, 2);
delete require.cache[__filename];

/** What nearly every program needs is loaded by having been used: on nothing of the program's, as a pipe once used is another. */
function rehearse() {
  const { Writable } = require('node:stream');
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  new console.Console(nowhere).log('%s', {}, []);
}

function awaitRun() {
  // As process.stdout is made, which costs a short program most of its time where it was never done before.
  const told = new Socket({ fd: TOLD_FD, readable: false, writable: true });
  // That this process is as far as it was asked to be: it waits, and then, it has its run.
  told.write('.');
  for (let kind; kind !== START; ) {
    const header = read(5);
    kind = header[4];
    const payload = read(header.readUInt32BE(0));
    if (kind === FILE) writeFile(payload);
    else if (kind === RUN) {
      take(payload);
      told.write('.');
      told.destroy();
    }
  }
  fs.closeSync(RUN_FD);
  startClocks();
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

/** Clocks that count from the start of the process count from now. */
function startClocks() {
  const { prototype } = Performance;
  const now = prototype.now;
  const waitedMs = now.call(performance);
  const timeOrigin = performance.timeOrigin + waitedMs;
  const uptime = process.uptime;
  prototype.now = {
    now() {
      return now.call(this) - waitedMs;
    },
  }.now;
  Object.defineProperty(prototype, 'timeOrigin', { get: () => timeOrigin, configurable: true, enumerable: true });
  process.uptime = () => uptime() - waitedMs / 1000;
}
