/** Requests as fast as a server takes them, over connections that are kept: bytes made once, and of each answer only its end is read. */
import { once } from 'node:events';
import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Post one body again and again for a while.
 * @returns how many were accepted, and what else was answered, by status
 */
export async function flood({ port, path, body, connections, seconds }) {
  const length = Buffer.byteLength(body);
  const request = Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`,
  );
  const statuses = {};
  const times = [];
  const startMs = performance.now();
  const untilMs = startMs + seconds * 1_000;
  await Promise.all(Array.from({ length: connections }, one));
  const { 202: accepted = 0, ...refused } = statuses;
  return { accepted, refused, times, perSecond: (accepted / (performance.now() - startMs)) * 1_000 };

  async function one() {
    const socket = connect(port, '127.0.0.1').setNoDelay();
    await once(socket, 'connect');
    while (performance.now() < untilMs) {
      const sentMs = performance.now();
      socket.write(request);
      const status = await answerOn(socket);
      times.push(performance.now() - sentMs);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    socket.destroy();
  }
}

/** The status of the next answer, when all of it is here. */
function answerOn(socket) {
  let seen = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const over = (settle, value) => {
      socket.off('data', read).off('close', gone);
      settle(value);
    };
    const gone = () => over(reject, new Error(`the connection was closed after ${seen}`));
    const read = (chunk) => {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const end = seen.indexOf(HEAD_END);
      if (end < 0) return;
      const head = seen.toString('latin1', 0, end);
      const bodyBytes = Number(/\r\nContent-Length: (\d+)/i.exec(head)?.[1]);
      if (seen.length >= end + HEAD_END.length + bodyBytes) over(resolve, Number(head.slice(9, 12)));
    };
    socket.on('data', read).once('close', gone);
  });
}
