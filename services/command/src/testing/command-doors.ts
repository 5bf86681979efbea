/** Command's doors over embedded ports, with a language on offer and nobody who runs it. For tests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { execution } from '@runlane/contract';
import { createCloser, readConfig } from '@runlane/core';
import { type OpenPorts, openPorts, STORE_VARIABLES } from '@runlane/core/adapters';
import { silentLog } from '@runlane/core/testing';
import { COMMAND_VARIABLES, openCommandDoors } from '../doors.js';

export interface TestDoors {
  readonly baseUrl: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly client: execution.ExecutionServiceClient;
  readonly ports: OpenPorts;
  /** Where embedded ports keep what they keep. */
  readonly dataDir: string;
  close(): Promise<void>;
}

const DEFAULT_LIMITS = { wallTimeMs: 10_000, memoryBytes: 268_435_456 };
const MAXIMUM_LIMITS = { wallTimeMs: 60_000, memoryBytes: 1_073_741_824, outputBytes: 1_048_576 };

export async function openTestDoors(
  env: NodeJS.ProcessEnv = {},
  { withRunner = true, terminal = true } = {},
): Promise<TestDoors> {
  const folder = await mkdtemp(join(tmpdir(), 'runlane-command-'));
  const config = readConfig({ HTTP_PORT: '0', GRPC_PORT: '0', DATA_DIR: folder, ...env }, [
    ...COMMAND_VARIABLES,
    ...STORE_VARIABLES,
    'DATA_DIR',
  ]);
  const closer = createCloser({ graceMs: 2_000, log: silentLog });
  const ports = await openPorts(config, { closer, log: silentLog });
  if (withRunner) {
    await ports.store.putRunner('test', {
      languages: [
        {
          name: 'python',
          version: '3.11.2',
          aliases: ['py', 'python3'],
          entry: 'main.py',
          terminal,
          defaultLimits: DEFAULT_LIMITS,
          maximumLimits: MAXIMUM_LIMITS,
        },
      ],
      slots: 4,
      isolation: { driver: 'none', summary: 'none', weak: false, layers: [] },
      seenAtMs: Date.now(),
    });
  }
  const opened = openCommandDoors({ ports, config, closer, log: silentLog });
  const { httpPort, grpcPort } = await opened.catch(async (error) => {
    await closer.close();
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const client = new execution.ExecutionServiceClient(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
  return {
    baseUrl: `http://127.0.0.1:${httpPort}`,
    httpPort,
    grpcPort,
    client,
    ports,
    dataDir: folder,
    async close() {
      client.close();
      await closer.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
