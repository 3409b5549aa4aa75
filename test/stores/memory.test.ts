import { describe, it } from 'vitest';
import { memory } from '../../src/index.ts';
import { ManualClock, storeContract } from '../../src/testing/index.ts';

describe('the memory store keeps the contract', () => {
  const skip = { 'refuses a second executor, and names the first': 'several workers may share it' };
  for (const { name, run } of storeContract({ make: () => memory({ clock: new ManualClock(1_000) }), skip })) it(name, run);
});
