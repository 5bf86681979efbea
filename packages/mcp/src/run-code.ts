/** The tool `run_code`: a program, run once in a sandbox of its own. */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Job, Language } from '@runlane/client';
import { bytesInWords, timeInWords } from './amounts.js';
import { attachFiles, BOUNDS } from './attachments.js';
import { inOneLine, type Platform } from './platform.js';
import { createProgress } from './progress.js';
import { inWords, MOST_STDERR, MOST_STDOUT, toReport } from './report.js';
import { reportSchema } from './report-schema.js';
import { argumentsSchema, MOST_WALL_TIME_MS, toJob } from './run-code-arguments.js';
import { runJob } from './run-job.js';
import { inputSchema, outputSchema, type Tool } from './tool.js';

export const runCode: Tool = {
  describe: (languages) => ({
    name: 'run_code',
    title: 'Run code in a sandbox',
    description: description(languages),
    inputSchema: inputSchema(argumentsSchema),
    outputSchema: outputSchema(reportSchema),
    annotations: {
      // The program may do what it likes, but in a sandbox that is thrown away and has no network: nothing that anybody
      // has can be destroyed, and there is no world outside. Each call stores and runs another job.
      readOnlyHint: false,
      destructiveHint: false,
      idempotentHint: false,
      openWorldHint: false,
    },
  }),
  async call(args, platform, call) {
    const progress = createProgress(call);
    try {
      const { signal } = call;
      const job = await runJob(platform.client, toJob(args), { signal, onEvent: progress.tell });
      return await toAnswer(job, platform, signal);
    } finally {
      progress.stop();
    }
  },
};

/**
 * A program that failed, was stopped or did not compile is no error of the tool: that it ran, and how it ended, is what was
 * asked for. By the spec, `isError` says that the tool could not do its work, and clients may then drop all but the text
 * (`structuredContent`, pictures that were drawn before the failure) or call again; so only what Runlane itself failed at
 * has it.
 */
async function toAnswer(job: Job, platform: Platform, signal: AbortSignal): Promise<CallToolResult> {
  const { content, files } = await attachFiles(job, platform, signal);
  const report = toReport(job, files);
  return {
    content: [{ type: 'text', text: inWords(report) }, ...content],
    structuredContent: report,
    ...(job.status === 'error' && { isError: true }),
  };
}

function description(languages: readonly Language[] | undefined): string {
  const there = languages && inOneLine(languages);
  const { image, text, blob } = BOUNDS;
  return [
    'Runs a program in a sandbox and tells how it ended and what it wrote.',
    there ? `Languages right now: ${there}.` : 'Languages: list_languages tells which there are.',
    '- Every call is a new sandbox, and nothing is kept: no files, variables or packages of earlier calls. Send all that the program needs.',
    '- There is no network: nothing can be downloaded or installed. What there is, is the standard library of the language and what the operator installed.',
    '- Print what you want to see. Nobody can type: give standard input as stdin.',
    `- Files that are to come back go to the folder out/ of the working folder, which is there already. Pictures (PNG, JPEG, GIF, WebP) come as images, up to ${bytesInWords(image.each)} each; text files up to ${bytesInWords(text.each)} as text; other files up to ${bytesInWords(blob.each)} as bytes; larger ones are only named.`,
    `- Of stdout ${MOST_STDOUT} characters are shown and of stderr ${MOST_STDERR}: the beginning and the end.`,
    `- A program may mostly run for 10 s; limits.wallTimeMs may say up to ${timeInWords(MOST_WALL_TIME_MS)}.`,
    '- A program that fails is no error of this tool: read exit code and stderr, correct it, and call again.',
  ].join('\n');
}
