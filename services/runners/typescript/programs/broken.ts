const count: number = 'never';
console.log(count);
