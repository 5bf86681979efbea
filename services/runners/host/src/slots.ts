/** Programs that may run at once. Taken at admission, given back when nothing of the run is left. */
export interface Slots {
  readonly total: number;
  readonly free: number;
  /** Take one; what gives it back, or undefined when none is free. */
  take(): (() => void) | undefined;
}

export function createSlots(total: number): Slots {
  let free = total;
  return {
    total,
    get free() {
      return free;
    },
    take() {
      if (free === 0) return undefined;
      free -= 1;
      let held = true;
      return () => {
        if (held) free += 1;
        held = false;
      };
    },
  };
}
