export { type ContractCase, type ContractOptions, storeContract } from './store-contract.ts';
export { ManualClock } from './manual-clock.ts';
