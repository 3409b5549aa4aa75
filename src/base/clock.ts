/**
 * The only source of time. Everything else in `src` takes one, so that a test can hold time still.
 * Durable deadlines use wall time (`now`), timeouts of attempts the monotonic clock.
 */
export interface Clock {
  /** Wall time, ms since 1970. */
  now(): number;
  /** Monotonic time in ms; only differences mean something. */
  monotonic(): number;
  /** Calls `fn` once after `ms`; returns the way to cancel it. Any length is allowed. */
  after(ms: number, fn: () => void): () => void;
  /** Calls `fn` after the I/O that is already waiting. */
  soon(fn: () => void): void;
}

/** Node fires a timer beyond this after 1 ms, so longer waits are cut into pieces. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

function afterInPieces(ms: number, fn: () => void): () => void {
  let handle: NodeJS.Timeout;
  const wait = (left: number): void => {
    const piece = Math.min(left, LONGEST_TIMEOUT_MS);
    handle = setTimeout(() => (left > piece ? wait(left - piece) : fn()), piece);
  };
  wait(Math.max(0, ms));
  return () => clearTimeout(handle);
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: afterInPieces,
  soon: (fn) => {
    setImmediate(fn);
  },
};
