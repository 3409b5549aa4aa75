export { ManualClock } from './manual-clock.ts';
export { type SimulateOptions, shrink, simulate } from './simulate/simulate.ts';
export { DANGERS, type Danger, type Simulated, type SimulationPlan } from './simulate/simulation.ts';
export { type ContractCase, type ContractOptions, storeContract } from './store-contract.ts';
export type { Invariants, RunEnd, Violation } from './verify/judge.ts';
export { type Replay, type ReplayOptions, type ReplayStep, replay } from './verify/replay.ts';
export { type Shown, type Verification, type VerifyLimits, type VerifyOptions, type VerifyProgress, verify } from './verify/verify.ts';
export type { WorldModel } from './verify/world.ts';
