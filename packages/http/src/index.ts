/** What every HTTP door of Runlane has in common. */
export * from './guard.js';
export * from './listen.js';
export * from './problem.js';
export * from './upgrade.js';
