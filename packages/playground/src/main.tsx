/** Where the page starts. */
import { render } from 'preact';
import { createClient } from './api.js';
import { firstProgram } from './first-program.js';
import { App } from './ui/app.js';

const box = document.getElementById('app');
if (box) {
  const first = await firstProgram(location.hash);
  render(<App client={createClient({ server: location.origin })} first={first} />, box);
}
