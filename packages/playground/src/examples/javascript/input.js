// Sorts the lines of its input.
const fs = require('node:fs');

const lines = fs.readFileSync(0, 'utf8').trim().split('\n');
console.log(lines.sort((a, b) => a.localeCompare(b)).join('\n'));
