/** The look of `<run-code>`: by the colours of the page around it, so that it fits into light and dark ones. */
export const STYLE = `
:host {
  display: block;
  margin: 1em 0;
}
[hidden] {
  display: none;
}
.bar {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 4px 12px;
  margin-top: 8px;
}
button {
  min-width: 84px;
  min-height: 34px;
  padding: 0 16px;
  border: 1px solid transparent;
  border-radius: 8px;
  background: var(--runlane-accent, #0f6b4f);
  color: var(--runlane-on-accent, #fff);
  font: 600 14px/1 system-ui, sans-serif;
  cursor: pointer;
}
button:disabled {
  cursor: default;
  opacity: 0.6;
}
button:focus-visible,
.output:focus-visible {
  outline: 2px solid currentColor;
  outline-offset: 2px;
}
[role='status'] {
  font: 13px/1.4 system-ui, sans-serif;
}
[role='alert'] {
  margin: 8px 0 0;
  padding-left: 10px;
  border-left: 3px solid currentColor;
  font: 13px/1.4 system-ui, sans-serif;
}
.output {
  max-height: 320px;
  min-height: 2.9em;
  margin-top: 8px;
  padding: 8px 0;
  overflow: auto;
  box-sizing: border-box;
  border: 1px solid color-mix(in srgb, currentColor 25%, transparent);
  border-radius: 8px;
  font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace;
}
.block {
  padding: 0 12px;
  border-left: 3px solid transparent;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}
.block.stderr {
  border-left-color: currentColor;
  font-style: italic;
}
.block[data-label]::before {
  content: attr(data-label);
  float: right;
  margin-left: 12px;
  font: 600 11px/20px system-ui, sans-serif;
}
`;
