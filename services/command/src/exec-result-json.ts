/** The answer of `GET /exec-result`: flat, and the status alone until there is a result. */
import type { ExecResultJson } from '@runlane/contract';
import { isOver, type JobView, toResultJson, toTimes } from '@runlane/core';

export function toExecResultJson(view: JobView): ExecResultJson {
  const { job, status } = view;
  if (!isOver(view)) return { jobId: job.id, status };
  const json = toResultJson(view.result);
  return {
    jobId: job.id,
    status,
    output: json.stdout,
    error: json.stderr || json.compile?.diagnostics || json.message || '',
    ...(json.stdoutEncoding && { outputEncoding: json.stdoutEncoding }),
    ...(json.stderrEncoding && { errorEncoding: json.stderrEncoding }),
    exitCode: json.exitCode,
    signal: json.signal,
    wallTimeMs: json.wallTimeMs,
    cpuTimeMs: json.cpuTimeMs,
    memoryPeakBytes: json.memoryPeakBytes,
    ...toTimes(view),
  };
}
