/** Where the page starts. */
import { render } from 'preact';
import { createApi } from './api.js';
import { firstProgram } from './first-program.js';
import { App } from './ui/app.js';

const box = document.getElementById('app');
if (box) {
  const first = await firstProgram(location.hash);
  render(<App api={createApi(location.origin)} first={first} />, box);
}
