SELEC 'never';
