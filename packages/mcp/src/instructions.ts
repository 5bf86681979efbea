/** What a model is told of the server as a whole, once, when a client connects. */
import { inOneLine, languagesNow, type Platform } from './platform.js';

export async function instructions(platform: Platform): Promise<string> {
  const languages = await languagesNow(platform);
  const there = languages && inOneLine(languages);
  return [
    'Runlane runs programs in sandboxes. Use run_code to compute, to try code out and to draw, rather than guess what code does.',
    'Every call is a new sandbox: no file, variable or package of an earlier call is there. There is no network.',
    'Print what you want to see; files that are to come back go to the folder out/.',
    there ? `Languages when this was written: ${there}.` : 'list_languages tells which languages there are.',
  ].join('\n');
}
