function sleep(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}

async function main(): Promise<void> {
  for (let tick = 1; tick <= 5; tick++) {
    if (tick > 1) await sleep(100);
    console.log(`tick ${tick}`);
  }
}

main();
