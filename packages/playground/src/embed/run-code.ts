/**
 * `<run-code>`: makes the code block inside it runnable, on any page. One script, no style sheet; what it shows is in a shadow of
 * its own, so that it fits into the page and nothing of the page breaks it.
 *
 *   <run-code language="python"><pre><code>print("Hello")</code></pre></run-code>
 */
import type { RunlaneError } from '@runlane/client';
import { createApi } from '../api.js';
import { createOutputView } from '../output/output-view.js';
import { createRun, type Run, type RunState } from '../run/run.js';
import { factsOf, wordsFor } from '../run/verdict.js';
import { STYLE } from './style.js';

/** Where this script came from: the server, unless the element names another. */
const { src = location.href } = (document.currentScript as HTMLScriptElement | null) ?? {};
const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLE);

/** Not every browser has it: there, what is pasted keeps its looks, which are not part of the program. */
const PLAIN = supportsPlain() ? 'plaintext-only' : 'true';

class RunCode extends HTMLElement {
  #button = document.createElement('button');
  #status = document.createElement('span');
  #notice = document.createElement('p');
  #box = document.createElement('section');
  #run: Run | undefined;
  #busy = false;

  connectedCallback(): void {
    if (this.shadowRoot) return;
    const shadow = this.attachShadow({ mode: 'open' });
    shadow.adoptedStyleSheets = [sheet];
    this.#button.type = 'button';
    this.#status.setAttribute('role', 'status');
    this.#notice.setAttribute('role', 'alert');
    this.#box.className = 'output';
    this.#box.tabIndex = 0;
    this.#box.setAttribute('aria-label', 'Output');
    const bar = document.createElement('div');
    bar.className = 'bar';
    bar.append(this.#button, this.#status);
    const slot = document.createElement('slot');
    // What is inside may come after the element itself, where a page loads the script before it.
    slot.addEventListener('slotchange', () => this.#makeEditable());
    shadow.append(slot, bar, this.#notice, this.#box);
    this.#connect();
    this.#show({ phase: 'idle', cancelling: false, talking: false });
    this.#tell('');
  }

  #connect(): void {
    const api = createApi(this.getAttribute('server') ?? new URL(src).origin, this.getAttribute('key') ?? undefined);
    const output = createOutputView(this.#box, () => undefined);
    this.#run = createRun(api, output, (state) => this.#show(state));
    api.onTrouble((trouble) => this.#tell(trouble ? wordsForTrouble(trouble) : ''));
    this.#button.addEventListener('click', () => (this.#busy ? this.#run?.cancel() : this.#start()));
    this.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      if (!this.#busy) this.#start();
    });
  }

  /** The block with the code: the page's own, styled by the page. */
  get #code(): HTMLElement {
    return this.querySelector<HTMLElement>('code') ?? this.querySelector<HTMLElement>('pre') ?? this;
  }

  #makeEditable(): void {
    if (!this.hasAttribute('editable') || this.#code === this) return;
    const code = this.#code;
    code.contentEditable = PLAIN;
    code.spellcheck = false;
    code.setAttribute('role', 'textbox');
    code.setAttribute('aria-multiline', 'true');
    code.setAttribute('aria-label', 'Code, which you can change');
  }

  #start(): void {
    const version = this.getAttribute('version');
    const stdin = this.getAttribute('stdin');
    const code = textOf(this.#code);
    this.#tell('');
    void this.#run?.start({
      language: this.getAttribute('language') ?? 'python',
      code,
      ...(version && { version }),
      ...(stdin && { stdin }),
    });
  }

  #show({ phase, status, job, refusal, failure, cancelling }: RunState): void {
    this.#busy = phase === 'submitting' || phase === 'running';
    this.#button.textContent = this.#busy ? 'Cancel' : 'Run';
    this.#button.disabled = cancelling;
    this.#box.hidden = phase === 'idle';
    this.#status.textContent = job
      ? sentence(wordsFor(job.status).title, factsOf(job))
      : status
        ? wordsFor(status).title
        : '';
    this.#status.dataset.tone = wordsFor(status ?? '').tone;
    if (phase !== 'ended') return;
    this.#tell(refusal?.message ?? failure ?? job?.result?.message ?? '');
  }

  #tell(text: string): void {
    this.#notice.textContent = text;
    this.#notice.hidden = text === '';
  }
}

function supportsPlain(): boolean {
  try {
    document.createElement('div').contentEditable = 'plaintext-only';
    return true;
  } catch {
    return false;
  }
}

/** Lines that were typed may be elements; what the page brought is text, whatever the page makes of its spaces. */
function textOf(code: HTMLElement): string {
  // biome-ignore lint/performance/useDomNodeTextContent: as it looks is as it was typed
  return (code.isContentEditable ? code.innerText.replaceAll('\u00a0', ' ') : code.textContent) ?? '';
}

function sentence(title: string, facts: readonly [string, string][]): string {
  return [title, ...facts.map(([name, value]) => `${name} ${value}`)].join(' · ');
}

/** Of a page that may not send requests, a browser does not say why they failed. */
function wordsForTrouble({ code, message }: RunlaneError): string {
  if (code !== 'UNREACHABLE') return `The server asks to wait: ${message}.`;
  return 'The server does not answer, or this page is not in its EMBED_ORIGINS. It is tried again by itself.';
}

// A page may load this twice.
if (!customElements.get('run-code')) customElements.define('run-code', RunCode);
