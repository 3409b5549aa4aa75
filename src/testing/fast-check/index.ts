export { type Sketch, type StepSketch, sagaOf } from '../simulate/sketch.ts';
export { type RunsModel, runCommands, type SentSignal, signalOrders } from './commands.ts';
export { inputs } from './inputs.ts';
export { faultPlans, sketches } from './sagas.ts';
