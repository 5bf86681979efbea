const { setTimeout: sleep } = require('node:timers/promises');

async function main() {
  for (let tick = 1; tick <= 5; tick++) {
    if (tick > 1) await sleep(100);
    console.log(`tick ${tick}`);
  }
}

main();
