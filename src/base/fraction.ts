/**
 * A number in [0, 1) from text, the same each time: what takes the place of chance where runs are to be spread and
 * still can be reproduced. FNV-1a, then the finalizer of MurmurHash3, which spreads neighboring seeds.
 */
export function fraction(seed: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
