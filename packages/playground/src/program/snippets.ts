/** The run on the page as others would ask for it: ready to paste. */
import type { NewJob } from '@runlane/client';

export interface Snippet {
  readonly title: string;
  readonly text: string;
}

/** @param server its base address, without a slash at the end. */
export function snippetsFor(job: NewJob, server: string): Snippet[] {
  return [
    { title: 'curl', text: curl(job, server) },
    { title: 'Python', text: python(job, server) },
    { title: 'TypeScript', text: typescript(job, server) },
    { title: 'grpcurl', text: grpcurl(job, server) },
  ];
}

function curl(job: NewJob, server: string): string {
  return `curl -s ${server}/v1/jobs \\
  -H 'Content-Type: application/json' -H 'Prefer: wait=60' \\
  -d ${shellWord(pretty(job))}
`;
}

/** JSON never has three quotes in a row that no backslash stands before, and a raw text of Python ends at nothing less. */
function python(job: NewJob, server: string): string {
  return `import json
from urllib.request import Request, urlopen

job = json.loads(r"""${pretty(job)}""")
request = Request(
    "${server}/v1/jobs",
    json.dumps(job).encode(),
    {"Content-Type": "application/json", "Prefer": "wait=60"},
)
ended = json.load(urlopen(request))
print(ended["status"], ended["result"]["stdout"], sep="\\n")
`;
}

function typescript(job: NewJob, server: string): string {
  return `const response = await fetch('${server}/v1/jobs', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', Prefer: 'wait=60' },
  body: JSON.stringify(${pretty(job)}),
});
const { status, result } = await response.json();
console.log(status, result.stdout);
`;
}

/** gRPC's own port is not known to a page: the usual one. */
function grpcurl(job: NewJob, server: string): string {
  const { hostname } = new URL(server);
  return `grpcurl -plaintext -d ${shellWord(pretty({ program: toProgram(job) }))} \\
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

const pretty = (value: unknown) => JSON.stringify(value, undefined, 2);

/** Nothing in single quotes means anything to a shell but a single quote. */
const shellWord = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

function toBase64(text: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}
