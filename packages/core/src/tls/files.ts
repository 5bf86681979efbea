/** Which files TLS is made of, and the variables that name them. */

/** A variable, and the path that it gives. */
export interface TlsFile {
  readonly variable: string;
  readonly path: string;
}

export interface TlsFiles {
  /** The certificate, and those between it and its authority. */
  readonly cert: TlsFile;
  readonly key: TlsFile;
  /** Authorities whose certificates the other side must have one of. Without it, the other side shows none. */
  readonly ca?: TlsFile;
}

/** What command serves with; undefined: without TLS. @throws Error where only one is set. */
export function commandTlsFiles({
  TLS_CERT,
  TLS_KEY,
}: {
  readonly TLS_CERT: string | undefined;
  readonly TLS_KEY: string | undefined;
}): TlsFiles | undefined {
  const [cert, key] = allOrNone({ TLS_CERT, TLS_KEY });
  return cert && key && { cert, key };
}

/** What a runner, or a worker that calls it, proves itself by; undefined: without TLS. @throws Error where only some are set. */
export function runnerTlsFiles({
  RUNNER_TLS_CERT,
  RUNNER_TLS_KEY,
  RUNNER_TLS_CA,
}: {
  readonly RUNNER_TLS_CERT: string | undefined;
  readonly RUNNER_TLS_KEY: string | undefined;
  readonly RUNNER_TLS_CA: string | undefined;
}): TlsFiles | undefined {
  const [cert, key, ca] = allOrNone({ RUNNER_TLS_CERT, RUNNER_TLS_KEY, RUNNER_TLS_CA });
  return cert && key && ca && { cert, key, ca };
}

/** Half of it would serve what nobody meant: in the open, or for everybody. */
function allOrNone(paths: Readonly<Record<string, string | undefined>>): TlsFile[] {
  const files = Object.entries(paths).flatMap(([variable, path]) => (path ? [{ variable, path }] : []));
  const missing = Object.keys(paths).filter((variable) => !paths[variable]);
  if (files.length > 0 && missing.length > 0) {
    const given = files.map(({ variable }) => variable).join(' and ');
    throw new Error(`${given} must not be set without ${missing.join(' and ')}: set all of them, or none`);
  }
  return files;
}
