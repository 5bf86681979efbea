const names: readonly string[] = ['Ada', 'Grace', 'Margaret'];

for (const name of names) console.log(`Hello, ${name}!`);
