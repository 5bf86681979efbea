/** The page that shows `<run-code>`: what it says to paste names this very server. */
for (const place of document.querySelectorAll('[data-origin]')) place.textContent = location.origin;
