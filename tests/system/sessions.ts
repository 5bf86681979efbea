/** Attachments through the two doors, made alike: a conversation with a program is held through both, and must go the same. */
import { once } from 'node:events';
import type { ServiceError } from '@grpc/grpc-js';
import { type AttachMessage, execution, type JobJson, types } from '@runlane/contract';
import { WebSocket } from 'ws';
import { type ProgramJson, Refused, restDoor } from './doors.js';
import type { Platform } from './platforms.js';

const PATIENCE_MS = 40_000;
/** Longer than any program here may run, in milliseconds. */
const ENDED_WITHIN_MS = 90_000;

export interface Session {
  readonly id: string;
  say(message: AttachMessage): void;
  type(text: string): void;
  /** Resolves once the program's output, both streams together, holds these words. */
  shows(words: string): Promise<void>;
  readonly shown: string;
  /** The status at the end; or the reason, when there was none. */
  readonly ended: Promise<string>;
  /** Go without a word. */
  drop(): void;
}

export interface InteractiveProgram extends ProgramJson {
  readonly interactive: { readonly terminal?: { readonly rows: number; readonly columns: number } };
}

export type SessionDoor = (
  platform: Pick<Platform, 'baseUrl' | 'client'>,
  program: InteractiveProgram,
  first?: readonly AttachMessage[],
) => Promise<Session>;

/** What was shown, and who waits for more of it. */
function createScreen() {
  const chunks: Buffer[] = [];
  const waiting = new Set<() => void>();
  const shown = () => Buffer.concat(chunks).toString();
  return {
    shown,
    add(bytes: Buffer): void {
      chunks.push(bytes);
      for (const look of waiting) look();
    },
    shows: (words: string) =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          if (!shown().includes(words)) return;
          waiting.delete(look);
          clearTimeout(timer);
          resolve();
        };
        const timer = setTimeout(() => {
          reject(
            new Error(`"${words}" was not shown within ${PATIENCE_MS} ms, but ${JSON.stringify(shown().slice(-500))}`),
          );
        }, PATIENCE_MS);
        waiting.add(look);
        look();
      }),
  };
}

/** A session that does not end is a failure of the test, not a test without end. */
async function inTime(ended: Promise<string>, shown: () => string): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`not ended, after ${JSON.stringify(shown().slice(-500))}`), ENDED_WITHIN_MS);
  });
  return Promise.race([ended, late]).finally(() => clearTimeout(timer));
}

const typed = (say: Session['say']) => (text: string) => say({ type: 'stdin', data: text, encoding: 'utf8' });

interface Attached {
  readonly socket: WebSocket;
  /** The code that it was closed with. */
  readonly closed: Promise<number>;
}

/**
 * @param hear is called with each message, from the first on: it may come together with the opening.
 * @throws Refused when the attachment is.
 */
export async function attachWebSocket(
  { baseUrl }: Pick<Platform, 'baseUrl'>,
  id: string,
  hear: (message: { readonly event: string; readonly data: Record<string, string> }) => void = () => undefined,
): Promise<Attached> {
  const socket = new WebSocket(`${baseUrl.replace('http', 'ws')}/v1/jobs/${id}/attach`);
  socket.on('message', (message) => hear(JSON.parse(String(message))));
  const closed = once(socket, 'close').then(([code]) => code as number);
  closed.catch(() => undefined);
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
    socket.on('unexpected-response', async (_, response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      const { code, detail } = JSON.parse(text) as { code: string; detail: string };
      reject(new Refused(code, detail, response.statusCode));
    });
  });
  return { socket, closed };
}

export const overWebSocket: SessionDoor = async (platform, program, first = []) => {
  const id = await restDoor(platform).submit(program);
  const screen = createScreen();
  let status: string | undefined;
  const { socket, closed } = await attachWebSocket(platform, id, ({ event, data }) => {
    if (event === 'stdout' || event === 'stderr')
      screen.add(Buffer.from(data.text ?? '', data.encoding === 'base64' ? 'base64' : 'utf8'));
    else if (event === 'result') status = (data as unknown as JobJson).status;
    else if (event === 'error') status = data.code;
  });
  const ended = closed.then((code) => status ?? `closed with ${code}`);
  const say = (message: AttachMessage) => socket.send(JSON.stringify(message));
  for (const message of first) say(message);
  return toSession(screen, { id, say, ended, drop: () => socket.terminate() });
};

export const overGrpc: SessionDoor = async ({ client }, { stdin, interactive, ...program }, first = []) => {
  const call = client.attach();
  const screen = createScreen();
  let status: string | undefined;
  let known: (id: string) => void;
  const id = new Promise<string>((resolve) => {
    known = resolve;
  });
  call.on('data', ({ step }: execution.AttachResponse) => {
    if (step?.$case === 'job') return known(step.value.id);
    const event = step?.value.event;
    if (event?.$case === 'stdout' || event?.$case === 'stderr') screen.add(event.value);
    else if (event?.$case === 'result') status = types.JobStatus[event.value.status]?.toLowerCase();
  });
  const ended = new Promise<string>((resolve) => {
    call.on('end', () => resolve(status ?? 'ended'));
    call.on('error', (error: ServiceError) => resolve(String(error.metadata.get('runlane-code')[0] ?? error.code)));
  });
  const say = (message: AttachMessage) => void call.write({ message: toRequest(message) });
  const value = execution.SubmitRequest.fromPartial({
    program: { ...program, args: [...(program.args ?? [])], files: [], stdin: Buffer.from(stdin ?? ''), interactive },
  });
  call.write({ message: { $case: 'submit', value } });
  for (const message of first) say(message);
  return toSession(screen, { id: await id, say, ended, drop: () => call.cancel() });
};

function toSession(
  screen: ReturnType<typeof createScreen>,
  own: Pick<Session, 'id' | 'say' | 'ended' | 'drop'>,
): Session {
  return {
    ...own,
    type: typed(own.say),
    shows: screen.shows,
    get shown() {
      return screen.shown();
    },
    ended: inTime(own.ended, screen.shown),
  };
}

function toRequest(message: AttachMessage): execution.AttachRequest['message'] {
  switch (message.type) {
    case 'stdin':
      return { $case: 'stdin', value: Buffer.from(message.data, message.encoding) };
    case 'close_stdin':
      return { $case: 'closeStdin', value: {} };
    case 'signal':
      return { $case: 'signal', value: { name: message.name } };
    case 'resize':
      return { $case: 'resize', value: { rows: message.rows, columns: message.columns } };
  }
}
