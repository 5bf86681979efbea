console.error('bye');
process.exitCode = 3;
