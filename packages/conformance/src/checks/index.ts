/** Every check, in the order in which they run: what the later ones build on comes first. */
import type { LanguageCheck, RunnerCheck } from '../check.js';
import { afterCancel, afterExit, afterLoss } from './aftermath.js';
import { artifactDownload, artifactUnknown, artifactUpload, artifactWrongDigest } from './artifacts.js';
import { describe } from './describe.js';
import { broken, crash, exitCode } from './endings.js';
import { files } from './files.js';
import { health, reflection } from './health.js';
import { again, hello } from './hello.js';
import { memoryLimit } from './memory-limit.js';
import { firstBytes, outputLimit } from './output-limit.js';
import { badPath, nonsense, unknownLanguage } from './refusals.js';
import { runFiles } from './run-files.js';
import { allSlots, noGo } from './slots.js';
import { stdinAtOnce, stdinEmpty, stdinInPieces, stdinLarge } from './stdin.js';
import { cancel, sigkill, sigterm } from './stopping.js';
import { stream } from './stream.js';
import { interruptKey, terminal } from './terminal.js';
import { processorTime, wallTime } from './time-limits.js';
import { args, env } from './words.js';

export const RUNNER_CHECKS: readonly RunnerCheck[] = [describe, health, reflection, unknownLanguage, nonsense];

export const LANGUAGE_CHECKS: readonly LanguageCheck[] = [
  hello,
  stdinAtOnce,
  stdinEmpty,
  stdinInPieces,
  stdinLarge,
  args,
  env,
  exitCode,
  crash,
  broken,
  stream,
  files,
  runFiles,
  badPath,
  artifactDownload,
  artifactUnknown,
  artifactUpload,
  artifactWrongDigest,
  sigterm,
  sigkill,
  terminal,
  interruptKey,
  cancel,
  wallTime,
  processorTime,
  outputLimit,
  firstBytes,
  memoryLimit,
  allSlots,
  noGo,
  afterCancel,
  afterExit,
  afterLoss,
  again,
];
