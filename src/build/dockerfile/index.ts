/**
 * The Dockerfile language, as pure functions: text to stages and instructions (parse), stages to a plan (stages), and each
 * instruction, in the state that those before it have made, to what is to be done (evaluate, run-step, copy-step).
 */
export { copyStep, type CopyStep } from './copy-step.js'
export { applyToConfig, isMetadata, type Evaluated, type Evaluation, type MetadataInstruction } from './evaluate.js'
export { parseDockerfile, parseTrigger } from './parse.js'
export type { MountOwner, RunMount } from './run-mount.js'
export { runStep, type RunStep } from './run-step.js'
export { checkSource, largestSource } from './source.js'
export { startFromImage, startFromStage, type StageStart, type StageState } from './stage-state.js'
export { planStages, resolveFrom, type Origin, type PlannedStage, type StageOptions, type StagePlan } from './stages.js'
export type * from './syntax.js'
export { globalVariables, proxyEnvironment, unusedBuildArgs, type BuildFacts, type Variables } from './variables.js'
