/** The page's nonce for styles that libraries make while they run. Browsers hide the attribute from selectors, not the property. */
export const CSP_NONCE = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
