/**
 * Asks server reflection which services there are. Its two messages are written by hand, for want of stubs: version 1 and
 * the older v1alpha, which is all that some languages' servers have, are the same on the wire.
 */
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { type CallOptions, type Client, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { CallError } from './failure.js';

const VERSIONS = ['v1', 'v1alpha'];

/** Field numbers of `reflection.proto`. */
const REQUEST_LIST_SERVICES = 7;
const RESPONSE_LIST_SERVICES = 6;
const LIST_SERVICE = 1;
const SERVICE_NAME = 1;

const LENGTH_DELIMITED = 2;

/** @throws CallError, `UNIMPLEMENTED` where the server has no reflection. */
export async function listServices(client: Client, within: () => CallOptions): Promise<string[]> {
  let last: CallError | undefined;
  for (const version of VERSIONS) {
    try {
      return await ask(client, `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`, within());
    } catch (error) {
      const { code, details } = error as ServiceError;
      last = new CallError('ServerReflectionInfo', code, details);
      if (code !== status.UNIMPLEMENTED) break;
    }
  }
  throw last;
}

function ask(client: Client, path: string, options: CallOptions): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const call = client.makeBidiStreamRequest(path, writeRequest, readNames, new Metadata(), options);
    call.on('data', (names: string[]) => {
      resolve(names);
      call.end();
    });
    call.on('error', reject);
    call.on('end', () => resolve([]));
    call.write('*');
  });
}

function writeRequest(services: string): Buffer {
  const writer = new BinaryWriter().tag(REQUEST_LIST_SERVICES, LENGTH_DELIMITED).string(services);
  return Buffer.from(writer.finish());
}

function readNames(response: Buffer): string[] {
  return fieldsOf(response, RESPONSE_LIST_SERVICES)
    .flatMap((list) => fieldsOf(list, LIST_SERVICE))
    .flatMap((service) => fieldsOf(service, SERVICE_NAME))
    .map((name) => Buffer.from(name).toString());
}

/** Every value of a length-delimited field of a message. */
function fieldsOf(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const values: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted) values.push(reader.bytes());
    else reader.skip(wireType);
  }
  return values;
}
