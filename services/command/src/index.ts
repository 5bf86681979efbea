/** The command service, for a process that holds more than it alone. */
export * from './doors.js';
