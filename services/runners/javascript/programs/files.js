const { readFileSync, writeFileSync } = require('node:fs');

const text = readFileSync('data.txt', 'utf8');
writeFileSync('out/result.txt', text.toUpperCase());
