/**
 * How much a protobuf message will be once it is read, before it is: two bytes can stand for a message that takes hundreds
 * in memory, so that its length says little.
 */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** Which fields of a message hold messages whose fields count too, by number, and which of theirs do. */
export interface Within {
  readonly [field: number]: Within;
}

/**
 * The fields of a message, and of those messages in it that `within` names; once they are more than `most`, the rest is not
 * looked at. @throws Error when the bytes are no message.
 */
export function countFields(bytes: Uint8Array, within: Within, most: number): number {
  const reader = new BinaryReader(bytes);
  let count = 0;
  while (reader.pos < reader.len && count <= most) {
    const [number, type] = reader.tag();
    count += 1;
    const inner = type === WireType.LengthDelimited ? within[number] : undefined;
    if (inner) count += countFields(reader.bytes(), inner, most - count);
    else reader.skip(type);
  }
  return count;
}
