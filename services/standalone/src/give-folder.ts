/** Folders that root makes or finds, and gives to the users without rights who work in them: never anybody else's. */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
} from 'node:fs';
import { resolve } from 'node:path';

interface Recipient {
  /** The variable that names the folder, for whoever has to mend it. */
  readonly variable: string;
  readonly uid: number;
  readonly mode: number;
  /** What is kept in it. */
  readonly holds: string;
  /** A name in it by which it is known to be ours, whoever owns it. */
  readonly mark?: string;
}

/** Its whole path. @throws Error when it is a link, or holds what is not ours. */
export function makeAndGive(path: string, recipient: Recipient): string {
  const folder = resolve(path);
  mkdirSync(folder, { recursive: true, mode: recipient.mode });
  give(folder, recipient);
  return folder;
}

function give(folder: string, { variable, uid, mode, holds, mark }: Recipient): void {
  if (!lstatSync(folder).isDirectory()) throw new Error(`${variable}=${folder} must be a folder, not a link to one`);
  // Held open meanwhile: what was looked at is what is given away.
  const opened = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const names = readdirSync(`/proc/self/fd/${opened}`);
    const isOurs = fstatSync(opened).uid === uid || names.length === 0 || (mark && names.includes(mark));
    if (!isOurs)
      throw new Error(`${variable}=${folder} holds something other than Runlane's ${holds}: name another folder`);
    fchmodSync(opened, mode);
    fchownSync(opened, uid, uid);
  } finally {
    closeSync(opened);
  }
}
