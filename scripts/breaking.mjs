/** `npm run breaking`: the contract may not break what the last release promised. Before the first tag there is nothing to break. */
import { execFileSync } from 'node:child_process';
import { root } from './setup.mjs';

const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
const tag = git('tag', '--list', 'v*', '--sort=-version:refname', '--merged').split('\n')[0];
if (!tag) {
  console.log('no release tag yet: nothing to compare the contract with');
} else {
  execFileSync(`${root}/node_modules/.bin/buf`, ['breaking', '--against', `.git#tag=${tag}`], {
    cwd: root,
    stdio: 'inherit',
  });
  console.log(`the contract breaks nothing of ${tag}`);
}
