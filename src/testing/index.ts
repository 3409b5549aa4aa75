export type { ContractCase } from './contract.ts';
export { type EngineContractOptions, type EngineUnderTest, engineContract } from './engine-contract.ts';
export { type Began, type Harness, type HarnessOptions, harness, type Script } from './harness/harness.ts';
export { busy, later, refused, runs, type ScriptedOutcome, stalls, succeeds, throws, unanswered } from './harness/script.ts';
export { ManualClock } from './manual-clock.ts';
export type { PathOptions, PathOutcome } from './paths/options.ts';
export {
  type ChartPath,
  type Coverage,
  type Covered,
  coverage,
  coverageTable,
  demandCoverage,
  type PathMove,
  shortestPaths,
  simplePaths,
} from './paths/paths.ts';
export { DANGERS, type Danger, type MakeStore, type Simulated, type SimulateOptions, type SimulationPlan } from './simulate/plan.ts';
export { shrink, simulate } from './simulate/simulate.ts';
export { type ContractOptions, storeContract } from './store-contract/store-contract.ts';
export type { Invariants, RunEnd, Violation } from './verify/judge.ts';
export type { VerifyLimits, VerifyOptions, VerifyProgress } from './verify/options.ts';
export { type Replay, type ReplayOptions, type ReplayStep, replay } from './verify/replay.ts';
export { type Shown, type Verification, verify } from './verify/verify.ts';
export type { WorldModel } from './verify/world.ts';
