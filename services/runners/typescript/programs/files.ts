import { readFileSync, writeFileSync } from 'node:fs';

const text: string = readFileSync('data.txt', 'utf8');
writeFileSync('out/result.txt', text.toUpperCase());
