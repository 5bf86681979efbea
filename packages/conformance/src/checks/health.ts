/** What workers, probes and tools of gRPC ask a server before anything else. */
import type { RunnerCheck } from '../check.js';
import { expect } from '../failure.js';

const SERVICE = 'runlane.v1.RunnerService';

export const health: RunnerCheck = {
  name: 'health',
  async run({ client }) {
    const status = await client.health();
    expect(status === 'SERVING', `grpc.health.v1 says ${status}`);
  },
};

export const reflection: RunnerCheck = {
  name: 'reflection',
  async run({ client }) {
    const services = await client.services();
    expect(services.includes(SERVICE), `reflection lists ${services.join(', ') || 'nothing'} and not ${SERVICE}`);
  },
};
