/** Where the page starts. */
import { render } from 'preact';
import { firstProgram } from './first-program.js';
import { Root } from './ui/root.js';

const box = document.getElementById('app');
if (box) {
  const first = await firstProgram(location.hash);
  render(<Root first={first} />, box);
}
