/** Everything at a glance: what waits, who works, what runs programs, what keeps them apart. */
import type { ComponentChildren } from 'preact';
import { Rates } from './rates.js';
import { endedByStatus, type PlatformStatus } from './status.js';
import { useStatus } from './use-status.js';

export function StatusPage() {
  const { status, rates, problem } = useStatus();
  return (
    <>
      <header>
        <h1>Runlane status</h1>
        <nav>
          <a href="/admin/queues">Queues</a>
          <a href="/docs">API</a>
          <a href="/">Playground</a>
        </nav>
      </header>
      <p class="problem" role="status">
        {problem}
      </p>
      {status && (
        <>
          <Numbers status={status} />
          <Rates rates={rates} />
          <Ended status={status} />
          <Workers status={status} />
          <Runners status={status} />
          <footer>
            Runlane {status.version} · as of <time>{new Date(status.now).toLocaleTimeString()}</time>
          </footer>
        </>
      )}
    </>
  );
}

function Numbers({ status: { unfinishedJobs, queues, workers, runners } }: { readonly status: PlatformStatus }) {
  const here = workers.filter(({ available }) => available);
  const used = here.reduce((sum, { slots }) => sum + slots.used, 0);
  const total = runners.filter(({ available }) => available).reduce((sum, { slots }) => sum + slots, 0);
  return (
    <dl class="numbers">
      <Figure name="Unfinished jobs" value={unfinishedJobs} />
      {queues.map(({ name, waiting, putOff = 0 }) => (
        <Figure
          key={name}
          name={`In ${name}`}
          title={`Waiting for a worker in the queue ${name}; ${putOff} more wait for their time`}
          value={waiting ?? 'away'}
          bad={waiting === undefined}
        />
      ))}
      <Figure name="Slots in use" value={`${used} of ${total}`} />
      <Figure name="Workers" value={here.length} bad={here.length === 0} />
      <Figure name="Runners" value={runners.filter(({ available }) => available).length} bad={total === 0} />
    </dl>
  );
}

function Figure(props: {
  readonly name: string;
  readonly title?: string;
  readonly value: number | string;
  readonly bad?: boolean;
}) {
  return (
    <div class={props.bad ? 'bad' : undefined}>
      <dt title={props.title}>{props.name}</dt>
      <dd>{typeof props.value === 'number' ? props.value.toLocaleString() : props.value}</dd>
    </div>
  );
}

function Ended({ status }: { readonly status: PlatformStatus }) {
  const ended = endedByStatus(status.workers);
  return (
    <Section title="Jobs ended, since these workers started">
      {ended.length === 0 ? (
        <p>None yet.</p>
      ) : (
        <ul class="chips">
          {ended.map(([name, count]) => (
            <li key={name} class={name === 'error' ? 'bad' : undefined}>
              {name} <b>{count.toLocaleString()}</b>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Workers({ status: { workers } }: { readonly status: PlatformStatus }) {
  return (
    <Section title="Workers">
      <Table head={['Worker', 'State', 'Slots in use', 'Since', 'Jobs ended']}>
        {workers.map(({ id, available, slots, startedAt, seenAt, ended }) => (
          <tr key={id}>
            <td>
              <code>{id}</code>
            </td>
            <td>
              <State available={available} seenAt={seenAt} />
            </td>
            <td>
              {slots.used} of {slots.total}
            </td>
            <td>{new Date(startedAt).toLocaleString()}</td>
            <td>
              {Object.values(ended)
                .reduce((sum, count) => sum + count, 0)
                .toLocaleString()}
            </td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}

function Runners({ status: { runners } }: { readonly status: PlatformStatus }) {
  return (
    <Section title="Runners, and what keeps programs apart there">
      {runners.map(({ available, seenAt, slots, isolation, languages }) => (
        <details key={`${isolation.driver} ${seenAt}`} class="runner">
          <summary>
            <State available={available} seenAt={seenAt} /> · {slots} slots · {isolation.summary}
            {isolation.weak && <strong class="bad"> · weak: not for untrusted code</strong>}
          </summary>
          <p>
            {languages
              .filter(({ unavailableReason }) => unavailableReason === undefined)
              .map(({ name, version }) => `${name} ${version}`)
              .join(', ')}
          </p>
          <Table head={['Layer', 'Holds', 'Detail']}>
            {isolation.layers.map(({ name, holds, detail }) => (
              <tr key={name}>
                <td>{name}</td>
                <td class={holds ? 'good' : 'bad'}>{holds ? 'yes' : 'no'}</td>
                <td>{detail}</td>
              </tr>
            ))}
          </Table>
        </details>
      ))}
    </Section>
  );
}

function State({ available, seenAt }: { readonly available: boolean; readonly seenAt: string }) {
  return available ? (
    <span class="good">here</span>
  ) : (
    <span class="bad">away since {new Date(seenAt).toLocaleTimeString()}</span>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Table({ head, children }: { readonly head: readonly string[]; readonly children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section class="scroll" tabIndex={0} aria-label={head[0]}>
      <table>
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}
