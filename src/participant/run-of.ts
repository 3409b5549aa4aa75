const PARTS = 3;

/**
 * What all keys of one run have in common, whatever their step and round: `sc1:` + namespace, run and incarnation. Of a
 * key that is none of Sagachart's it is the key itself. As the owner of locks it is the same in every step of a run.
 */
export function runOf(key: string): string {
  return key.startsWith('sc1:') ? key.split('/', PARTS).join('/') : key;
}
