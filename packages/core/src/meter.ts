/**
 * How much somebody has used within a window of time, which begins with the first use and is followed by a new one. What every
 * adapter promises is stated as tests in `meter.contract.ts`. It is no fact: losing it costs somebody's memory of a day at most.
 */
export interface Meter {
  /** Add to what `name` has used, and tell all of it; 0 only asks. Never fails: where its server is away, it counts by itself. */
  add(name: string, amount: number): Promise<Used>;
}

export interface Used {
  readonly amount: number;
  /** When the window ends, in milliseconds from now. */
  readonly resetsInMs: number;
}

/** What a platform measures: each its own window. */
export interface Meters {
  /** Requests of a minute, by key. */
  readonly requests: Meter;
  /** Processor milliseconds of a day, by owner. */
  readonly cpuTimeMs: Meter;
}

export const METER_WINDOWS_SECONDS = { requests: 60, cpuTimeMs: 24 * 3_600 } as const satisfies Record<
  keyof Meters,
  number
>;
