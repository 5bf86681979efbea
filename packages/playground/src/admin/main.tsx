/** The status page: how the platform fares, looked at every two seconds. */
import { render } from 'preact';
import { StatusPage } from './status-page.js';

const box = document.getElementById('app');
if (box) render(<StatusPage />, box);
