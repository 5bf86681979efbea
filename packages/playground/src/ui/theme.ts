/** Light or dark: as the system has it, until it is switched here. */
import { useEffect, useState } from 'preact/hooks';
import { forget, load, save } from '../program/store.js';

export type Theme = 'light' | 'dark';

const KEY = 'runlane.theme';
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
const isTheme = (value: unknown): value is Theme => value === 'light' || value === 'dark';
const ofSystem = (): Theme => (systemIsDark.matches ? 'dark' : 'light');

export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(() => load(KEY, isTheme) ?? ofSystem());
  useEffect(() => {
    const follow = () => load(KEY, isTheme) ?? setTheme(ofSystem());
    systemIsDark.addEventListener('change', follow);
    return () => systemIsDark.removeEventListener('change', follow);
  }, []);
  function switchOver() {
    const next = theme === 'dark' ? 'light' : 'dark';
    // Back at what the system has, the page follows it again.
    if (next === ofSystem()) {
      forget(KEY);
      delete document.documentElement.dataset.theme;
    } else {
      save(KEY, next);
      document.documentElement.dataset.theme = next;
    }
    setTheme(next);
  }
  return [theme, switchOver];
}
