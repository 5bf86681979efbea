/** Small pictures, drawn here: no font and no request for them. What they mean is always said in words beside them. */
import type { ComponentChildren } from 'preact';

const icon = (content: ComponentChildren) => (
  <svg
    viewBox="0 0 16 16"
    width="16"
    height="16"
    aria-hidden="true"
    fill="none"
    stroke="currentColor"
    stroke-width="1.6"
    stroke-linecap="round"
    stroke-linejoin="round"
  >
    {content}
  </svg>
);

export const RunIcon = () => icon(<path d="M5 3.2v9.6l7.6-4.8z" fill="currentColor" />);
export const StopIcon = () => icon(<rect x="4" y="4" width="8" height="8" rx="1.2" fill="currentColor" />);
export const ChevronIcon = () => icon(<path d="M4.5 6.5 8 10l3.5-3.5" />);
export const PlusIcon = () => icon(<path d="M8 3.5v9M3.5 8h9" />);
export const CloseIcon = () => icon(<path d="m4.5 4.5 7 7m0-7-7 7" />);
export const ShareIcon = () =>
  icon(
    <path d="M6.7 9.3a2.6 2.6 0 0 0 3.7 0l2-2a2.6 2.6 0 0 0-3.7-3.7l-.8.8M9.3 6.7a2.6 2.6 0 0 0-3.7 0l-2 2a2.6 2.6 0 0 0 3.7 3.7l.8-.8" />,
  );
export const CodeIcon = () => icon(<path d="M5.5 4.5 2 8l3.5 3.5m5-7L14 8l-3.5 3.5" />);
export const HistoryIcon = () => icon(<path d="M2.6 6.2A5.7 5.7 0 1 1 2.3 9M2.3 3.3v3h3M8 5v3.2l2.2 1.4" />);
export const SunIcon = () =>
  icon(
    <>
      <circle cx="8" cy="8" r="2.8" />
      <path d="M8 1.6v1.2m0 10.4v1.2M1.6 8h1.2m10.4 0h1.2M3.5 3.5l.8.8m7.4 7.4.8.8m0-9-.8.8m-7.4 7.4-.8.8" />
    </>,
  );
export const MoonIcon = () => icon(<path d="M13.4 9.6A5.8 5.8 0 0 1 6.4 2.6a5.8 5.8 0 1 0 7 7z" />);
