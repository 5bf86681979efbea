/** Files that a program left, as content of the answer: within bounds, as all of it goes into a model's memory. */
import { isUtf8 } from 'node:buffer';
import type { ContentBlock } from '@modelcontextprotocol/sdk/types.js';
import { type Job, RunlaneError } from '@runlane/client';
import { imageType } from './image-type.js';
import type { Platform } from './platform.js';
import type { FileReport } from './report-schema.js';

type ProducedFile = NonNullable<NonNullable<Job['result']>['files']>[number];
type Kind = 'image' | 'text' | 'blob';

const KIB = 1_024;
/** Bytes of one file, and of all of its kind together. Some clients take no answer of more than 1 MB. */
export const BOUNDS: Readonly<Record<Kind, { readonly each: number; readonly all: number }>> = {
  image: { each: 512 * KIB, all: 640 * KIB },
  text: { each: 32 * KIB, all: 64 * KIB },
  blob: { each: 64 * KIB, all: 128 * KIB },
};
const MOST_FILES = 16;

export interface Attachments {
  readonly content: readonly ContentBlock[];
  /** Every file, attached or not. */
  readonly files: readonly FileReport[];
}

export async function attachFiles({ id, result }: Job, platform: Platform, signal: AbortSignal): Promise<Attachments> {
  const content: ContentBlock[] = [];
  const files: FileReport[] = [];
  const left: Record<Kind, number> = { image: BOUNDS.image.all, text: BOUNDS.text.all, blob: BOUNDS.blob.all };
  for (const file of result?.files ?? []) {
    const bytes = content.length < MOST_FILES ? await read(id, file, platform, signal) : undefined;
    const kind = bytes && kindThatFits(bytes, left);
    if (bytes && kind) {
      left[kind] -= bytes.length;
      content.push(toContent(kind, bytes, file, uriOf(platform, id, file.path)));
    }
    const { path, sizeBytes, contentType } = file;
    files.push({ path, sizeBytes, contentType, attached: kind ?? 'no' });
  }
  return { content, files };
}

/** Undefined where it is too large for whatever it could be, or is kept no more. */
async function read(
  id: string,
  { path, sizeBytes, contentType }: ProducedFile,
  { client }: Platform,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const most = contentType.startsWith('image/') ? BOUNDS.image.each : BOUNDS.blob.each;
  if (sizeBytes > most) return undefined;
  try {
    return Buffer.from(await (await client.file(id, path, { signal })).arrayBuffer());
  } catch (error) {
    signal.throwIfAborted();
    // The output is worth telling without it. An answer that broke off is a TypeError of fetch.
    if (error instanceof RunlaneError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function kindThatFits(bytes: Buffer, left: Readonly<Record<Kind, number>>): Kind | undefined {
  const kind = kindOf(bytes);
  return bytes.length <= Math.min(BOUNDS[kind].each, left[kind]) ? kind : undefined;
}

function kindOf(bytes: Buffer): Kind {
  if (imageType(bytes)) return 'image';
  const isText = isUtf8(bytes) && !bytes.includes(0);
  return isText && bytes.length <= BOUNDS.text.each ? 'text' : 'blob';
}

function toContent(kind: Kind, bytes: Buffer, { contentType }: ProducedFile, uri: string): ContentBlock {
  if (kind === 'image') {
    return { type: 'image', data: bytes.toString('base64'), mimeType: imageType(bytes) ?? contentType };
  }
  const content = kind === 'text' ? { text: bytes.toString('utf8') } : { blob: bytes.toString('base64') };
  return { type: 'resource', resource: { uri, mimeType: contentType, ...content } };
}

/** Where the server has it, also for a person. */
function uriOf({ url }: Platform, id: string, path: string): string {
  return `${url}/v1/jobs/${id}/files/${path.split('/').map(encodeURIComponent).join('/')}`;
}
