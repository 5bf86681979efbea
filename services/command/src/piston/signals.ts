/** Names of signals that Piston knows: those of Linux, and its real-time ones. */
import { constants } from 'node:os';

const REAL_TIME = /^SIGRTM(?:IN(?:\+\d{1,2})?|AX(?:-\d{1,2})?)$/;

export function isSignalName(name: unknown): boolean {
  return typeof name === 'string' && (Object.hasOwn(constants.signals, name) || REAL_TIME.test(name));
}
