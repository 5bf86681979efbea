// Press Run, or Ctrl+Enter.
const names = ['Ada', 'Grace', 'Margaret'];

names.forEach((name, index) => {
  setTimeout(() => console.log(`Hello, ${name}!`), index * 300);
});
