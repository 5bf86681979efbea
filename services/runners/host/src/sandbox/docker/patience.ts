import { SandboxError } from '../sandbox.js';

/** What a promise resolves with. @throws SandboxError with this message when that takes longer than `ms` milliseconds. */
export async function patiently<T>(ms: number, promise: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new SandboxError(message)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
