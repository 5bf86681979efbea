// Before anything is painted: the theme that was chosen here, if one was.
try {
  const theme = JSON.parse(localStorage.getItem('runlane.theme'));
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {}
