import { writeSync } from 'node:fs';

const line = `${'x'.repeat(79)}\n`;
for (;;) writeSync(1, line);
