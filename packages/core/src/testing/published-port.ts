/** Started in another network, with a socket that listens in its parent's: leads whoever connects to a port of 127.0.0.1 there. */
import { connect, type Server, type Socket } from 'node:net';

const port = Number(process.argv[2]);

process.once('message', (_word: unknown, server: Server) => {
  server.on('connection', (near: Socket) => {
    const far = connect({ port, host: '127.0.0.1' });
    // Either end's going is the other's, once what is on its way has arrived.
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.setNoDelay(true);
      one.pipe(other);
      one.once('error', () => {});
      one.once('close', (hadError) => (hadError ? other.destroy() : other.end()));
    }
  });
  process.send?.('listening');
});
process.once('disconnect', () => process.exit(0));
