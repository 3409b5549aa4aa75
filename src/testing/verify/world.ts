/**
 * Where effects happen while a saga is verified: plain data, copied for each branch of the exploration, and the
 * services that act on it.
 */
export interface WorldModel<World = unknown> {
  /** The world before a run. */
  make(): World;
  /** What the steps call, acting on this copy of the world alone: no clock, no chance, nothing outside. */
  services(world: World): unknown;
  /** What transactional steps are given for `db`, acting on this copy of the world alone: what they throw undoes it. */
  database?(world: World): unknown;
  /** What of it must be as it was once everything is undone. Default: all of it. */
  effects?(world: World): unknown;
}
