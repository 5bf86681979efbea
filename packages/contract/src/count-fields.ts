/**
 * How much a protobuf message will be once it is read, before it is: two bytes can stand for a message that takes hundreds
 * in memory, so that its length says little.
 */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/**
 * The fields of a message, and of the messages in its field number `within`; once they are more than `most`, the rest is not
 * looked at. @throws Error when the bytes are no message.
 */
export function countFields(bytes: Uint8Array, within: number, most: number): number {
  const reader = new BinaryReader(bytes);
  let count = 0;
  while (reader.pos < reader.len && count <= most) {
    const [number, type] = reader.tag();
    count += 1;
    if (number === within && type === WireType.LengthDelimited) count += countFields(reader.bytes(), 0, most - count);
    else reader.skip(type);
  }
  return count;
}
