// Draws a spiral. What a program writes into the folder "out" comes back.
const fs = require('node:fs');

const points = Array.from({ length: 900 }, (_, n) => {
  const angle = n * 2.39996;
  const radius = 5.2 * Math.sqrt(n);
  const x = 200 + radius * Math.cos(angle);
  const y = 200 + radius * Math.sin(angle);
  return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="2.4" fill="hsl(${150 + n / 9} 60% 40%)"/>`;
});
fs.mkdirSync('out', { recursive: true });
fs.writeFileSync(
  'out/spiral.svg',
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="400" height="400">${points.join('')}</svg>`,
);
console.log(`${points.length} points`);
