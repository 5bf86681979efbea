/** How telling a job's end to its `callbackUrl` goes, in words that are the same in the store and at the door. */

/** Why a receiver gave no answer. */
export const DELIVERY_ERRORS = [
  'address_refused',
  'not_resolved',
  'not_connected',
  'tls_failed',
  'timed_out',
  'broken_off',
  'lost',
] as const;

export type DeliveryError = (typeof DELIVERY_ERRORS)[number];

/** How it ended for good. */
export const DELIVERY_ENDS = ['delivered', 'gone', 'given_up'] as const;

export type DeliveryEnd = (typeof DELIVERY_ENDS)[number];
