/** What the program is given: its input, beforehand or while it runs; its arguments; how much it may use. */
import type { Language } from '@runlane/client';
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import type { Program, Talk } from '../program/program.js';
import type { Place, Placed } from '../run/problems.js';

export interface OptionsProps {
  readonly program: Program;
  readonly problems: Placed['at'];
  /** Of the chosen language; undefined until the server has told. */
  readonly limits: Pick<Language, 'defaultLimits' | 'maximumLimits'> | undefined;
  readonly terminal: boolean;
  onChange(change: Partial<Program>): void;
}

const TALK_WORDS: Readonly<Record<Talk, string>> = {
  before: 'Given before',
  live: 'Typed live',
  terminal: 'Terminal',
};

export function Options({ program, problems, limits, terminal, onChange }: OptionsProps) {
  const { stdin, args, talk, timeLimit, memoryLimit } = program;
  const usual = limits?.defaultLimits;
  const most = limits?.maximumLimits;
  return (
    <div class="options">
      <fieldset class="talk">
        <legend>Input</legend>
        <div class="segments">
          {(Object.keys(TALK_WORDS) as Talk[]).map((each) => (
            <label key={each} class="segment">
              <input
                type="radio"
                name="talk"
                value={each}
                checked={talk === each}
                disabled={each === 'terminal' && !terminal}
                onChange={() => onChange({ talk: each })}
              />
              <span>{TALK_WORDS[each]}</span>
            </label>
          ))}
        </div>
        <Problem text={problems.talk} />
      </fieldset>
      <div class="option-row">
        <Field
          label={talk === 'before' ? 'Standard input' : 'Standard input, to begin with'}
          place="stdin"
          problems={problems}
          class="wide"
        >
          {(ids) => (
            <textarea
              {...ids}
              rows={2}
              spellcheck={false}
              value={stdin}
              onInput={(event) => onChange({ stdin: event.currentTarget.value })}
            />
          )}
        </Field>
        <Field label="Arguments" place="args" problems={problems} class="wide">
          {(ids) => (
            <input
              {...ids}
              spellcheck={false}
              autocapitalize="off"
              autocomplete="off"
              placeholder={'one "two words"'}
              value={args}
              onInput={(event) => onChange({ args: event.currentTarget.value })}
            />
          )}
        </Field>
        <Field label="Seconds" place="timeLimit" problems={problems}>
          {(ids) => (
            <NumberInput
              ids={ids}
              value={timeLimit}
              usual={seconds(talk === 'before' ? usual : most)}
              most={seconds(most)}
              onChange={(value) => onChange({ timeLimit: value })}
            />
          )}
        </Field>
        <Field label="MiB" place="memoryLimit" problems={problems}>
          {(ids) => (
            <NumberInput
              ids={ids}
              value={memoryLimit}
              usual={usual?.memoryBytes && usual.memoryBytes / 1_048_576}
              most={most?.memoryBytes && most.memoryBytes / 1_048_576}
              onChange={(value) => onChange({ memoryLimit: value })}
            />
          )}
        </Field>
      </div>
    </div>
  );
}

const seconds = (limits: Language['defaultLimits'] | undefined) => limits?.wallTimeMs && limits.wallTimeMs / 1_000;

interface Ids {
  readonly id: string;
  readonly 'aria-invalid': boolean;
  readonly 'aria-describedby'?: string;
}

interface FieldProps {
  readonly label: string;
  readonly place: Place;
  readonly problems: Placed['at'];
  readonly class?: string;
  children(ids: Ids): ComponentChildren;
}

function Field({ label, place, problems, class: name = '', children }: FieldProps) {
  const id = useId();
  const problem = problems[place];
  return (
    <div class={`field ${name}`}>
      <label for={id}>{label}</label>
      {children({ id, 'aria-invalid': problem !== undefined, ...(problem && { 'aria-describedby': `${id}-problem` }) })}
      <Problem id={`${id}-problem`} text={problem} />
    </div>
  );
}

export function Problem({ id, text }: { readonly id?: string; readonly text: string | undefined }) {
  if (!text) return null;
  return (
    <p id={id} class="field-problem" role="alert">
      {text}
    </p>
  );
}

interface NumberInputProps {
  readonly ids: Ids;
  readonly value: number | undefined;
  readonly usual: number | undefined;
  readonly most: number | undefined;
  onChange(value: number | undefined): void;
}

function NumberInput({ ids, value, usual, most, onChange }: NumberInputProps) {
  return (
    <input
      {...ids}
      type="number"
      inputMode="decimal"
      min="0"
      step="any"
      placeholder={usual ? String(usual) : ''}
      title={most ? `At most ${most}` : undefined}
      value={value ?? ''}
      onInput={({ currentTarget: { valueAsNumber: typed } }) => onChange(Number.isFinite(typed) ? typed : undefined)}
    />
  );
}
