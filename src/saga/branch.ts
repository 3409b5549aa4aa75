import type { Maybe, Named, Stage } from './types.ts';

/** What a branch adds to the results: a phantom, because constraining the branch itself refuses good ones. */
export interface BranchAdds<Added, S = unknown> {
  readonly adds?: Added | undefined;
  /** Whether the pivot has passed where it ends. */
  readonly stage?: S | undefined;
}

/** Results of all branches together. */
export type AllBranches<Branches extends readonly unknown[]> = Branches extends readonly [infer First, ...infer Rest]
  ? (First extends (chain: never) => BranchAdds<infer Added> ? Added : unknown) & AllBranches<Rest>
  : unknown;

/** What a race adds: of each loser nothing, and the name of the winner. */
export type Raced<Branches extends readonly unknown[], Name extends string> = Maybe<AllBranches<Branches>> & Named<Name, string>;

/** Past the pivot, if one of these ends past it. */
export type StageAfter<Built, S extends Stage> = 'forward' extends (Built extends BranchAdds<unknown, infer After> ? After : never) ? 'forward' : S;
export type AddedBy<Built> = Built extends BranchAdds<infer Added> ? Added : unknown;
