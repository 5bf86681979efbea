/** Files that the program left: pictures are shown, all can be downloaded; and its whole output, which the page may show a part of. */
import type { Job } from '@runlane/client';
import { useEffect, useState } from 'preact/hooks';
import type { Api } from '../api.js';
import { toBytes } from '../run/bytes.js';
import { formatBytes } from '../run/verdict.js';
import { saveFile, useFile } from './use-file.js';

/** What an `img` element shows without running anything in it. */
const PICTURES = /^image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml)$/;

export function Produced({ job, api }: { readonly job: Job; readonly api: Api }) {
  const { files = [], filesOmitted = 0, stdout = '', stderr = '' } = job.result ?? {};
  if (files.length === 0 && filesOmitted === 0 && stdout === '' && stderr === '') return null;
  const pictures = files.filter(({ contentType }) => PICTURES.test(contentType));
  return (
    <div class="produced">
      {pictures.map(({ path }) => (
        <Picture key={path} api={api} id={job.id} path={path} />
      ))}
      <ul class="downloads" aria-label="Downloads">
        {files.map(({ path, sizeBytes }) => (
          <li key={path}>
            <Download api={api} id={job.id} path={path} sizeBytes={sizeBytes} />
          </li>
        ))}
        <Output name="stdout" text={stdout} encoding={job.result?.stdoutEncoding} />
        <Output name="stderr" text={stderr} encoding={job.result?.stderrEncoding} />
      </ul>
      {filesOmitted > 0 && (
        <p class="note">{filesOmitted === 1 ? 'One file' : `${filesOmitted} files`} did not come back.</p>
      )}
    </div>
  );
}

interface FileProps {
  readonly api: Api;
  readonly id: string;
  readonly path: string;
}

function Picture({ api, id, path }: FileProps) {
  const url = useFile(api, id, path);
  return (
    <figure>
      <img src={url} alt={`${path}, as the program drew it`} />
      <figcaption>{path}</figcaption>
    </figure>
  );
}

function Download({ api, id, path, sizeBytes }: FileProps & { readonly sizeBytes: number }) {
  const direct = api.fileUrl(id, path);
  const name = path.split('/').at(-1) ?? path;
  const fetchFirst = (event: MouseEvent) => {
    if (direct) return;
    event.preventDefault();
    void saveFile(api, id, path, name);
  };
  return (
    <a href={direct ?? '#'} download={name} onClick={fetchFirst}>
      {path} <span class="size">{formatBytes(sizeBytes)}</span>
    </a>
  );
}

interface OutputProps {
  readonly name: 'stdout' | 'stderr';
  readonly text: string;
  readonly encoding: 'base64' | undefined;
}

function Output({ name, text, encoding }: OutputProps) {
  const [url, setUrl] = useState<string>();
  useEffect(() => () => url && URL.revokeObjectURL(url), [url]);
  if (text === '') return null;
  // Only when it is asked for: it may be megabytes.
  const make = () => url ?? setUrl(URL.createObjectURL(new Blob([toBytes(text, encoding)])));
  return (
    <li>
      <a href={url ?? '#'} download={`${name}.txt`} onPointerDown={make} onFocus={make} onClick={make}>
        {name}.txt
      </a>
    </li>
  );
}
