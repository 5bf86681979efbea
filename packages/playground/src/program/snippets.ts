/** The run on the page as others would ask for it: ready to paste. */
import type { NewJob } from '@runlane/client';

export interface Snippet {
  readonly title: string;
  readonly text: string;
}

export interface Server {
  /** Its base address, without a slash at the end. */
  readonly url: string;
  /** Whether it is sent a key. What is pasted somewhere names the variable that has it, and never holds it. */
  readonly keyed: boolean;
}

export function snippetsFor(job: NewJob, server: Server): Snippet[] {
  return [
    { title: 'curl', text: curl(job, server) },
    { title: 'Python', text: python(job, server) },
    { title: 'TypeScript', text: typescript(job, server) },
    { title: 'grpcurl', text: grpcurl(job, server) },
  ];
}

function curl(job: NewJob, { url, keyed }: Server): string {
  return `curl -s ${url}/v1/jobs \\
  -H 'Content-Type: application/json' -H 'Prefer: wait=60' \\
${keyed ? `  -H ${SHELL_KEY} \\\n` : ''}\
  -d ${shellWord(pretty(job))}
`;
}

/** JSON never has three quotes in a row that no backslash stands before, and a raw text of Python ends at nothing less. */
function python(job: NewJob, { url, keyed }: Server): string {
  const key = keyed ? `\n        "Authorization": "Bearer " + os.environ["RUNLANE_API_KEY"],` : '';
  return `import json
${keyed ? 'import os\n' : ''}\
from urllib.request import Request, urlopen

job = json.loads(r"""${pretty(job)}""")
request = Request(
    "${url}/v1/jobs",
    json.dumps(job).encode(),
    {
        "Content-Type": "application/json",
        "Prefer": "wait=60",${key}
    },
)
ended = json.load(urlopen(request))
print(ended["status"], ended["result"]["stdout"], sep="\\n")
`;
}

function typescript(job: NewJob, { url, keyed }: Server): string {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text to paste
  const key = keyed ? '\n    Authorization: `Bearer ${process.env.RUNLANE_API_KEY}`,' : '';
  return `const response = await fetch('${url}/v1/jobs', {
  method: 'POST',
  headers: {
    'Content-Type': 'application/json',
    Prefer: 'wait=60',${key}
  },
  body: JSON.stringify(${pretty(job)}),
});
const { status, result } = await response.json();
console.log(status, result.stdout);
`;
}

/** gRPC's own port is not known to a page: the usual one. Where the page came encrypted, so does gRPC. */
function grpcurl(job: NewJob, { url, keyed }: Server): string {
  const { hostname, protocol } = new URL(url);
  const options = `${protocol === 'https:' ? '' : '-plaintext '}${keyed ? `-H ${SHELL_KEY} ` : ''}`;
  return `grpcurl ${options}-d ${shellWord(pretty({ program: toProgram(job) }))} \\
  ${hostname}:50051 runlane.v1.ExecutionService/Run
`;
}

/** Bytes are base64 in grpcurl's JSON. */
function toProgram({ files, stdin, limits, ...rest }: NewJob): object {
  return {
    ...rest,
    ...(files && { files: files.map(({ path, content }) => ({ path, content: toBase64(content) })) }),
    ...(stdin !== undefined && { stdin: toBase64(stdin) }),
    ...(limits && { limits }),
  };
}

/** In double quotes, where a shell puts the variable's value. */
const SHELL_KEY = '"Authorization: Bearer $RUNLANE_API_KEY"';

const pretty = (value: unknown) => JSON.stringify(value, undefined, 2);

/** Nothing in single quotes means anything to a shell but a single quote. */
const shellWord = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

function toBase64(text: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}
