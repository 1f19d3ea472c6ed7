/** What the checks look for, by BuildKit's names. */
export const rules = {
  StageNameCasing: 'stage names should be in lower case',
  FromAsCasing: 'FROM and AS should be in the same case',
  NoEmptyContinuation: 'an instruction should not go on after an empty line',
  ConsistentInstructionCasing: 'instructions should all be in upper case, or all in lower case',
  DuplicateStageName: 'stages should have names of their own',
  ReservedStageName: 'stages should not have names that mean something else',
  JSONArgsRecommended: 'CMD and ENTRYPOINT should be JSON arrays, so that signals reach the command',
  MaintainerDeprecated: 'MAINTAINER is deprecated; a label says the same',
  UndefinedArgInFrom: 'FROM should use declared arguments only',
  WorkdirRelativePath: 'a relative WORKDIR depends on the base image',
  UndefinedVar: 'variables should be defined before they are used',
  MultipleInstructionsDisallowed: 'of CMD, ENTRYPOINT and HEALTHCHECK a stage should have one each',
  LegacyKeyValueFormat: 'ENV and LABEL should be written NAME=value',
  InvalidBaseImagePlatform: 'the base image should be for the platform that is built for',
  RedundantTargetPlatform: 'the target platform is what FROM takes anyway',
  SecretsUsedInArgOrEnv: 'ARG and ENV should hold no secrets: they stay in the image',
  InvalidDefaultArgInFrom: 'FROM should name an image without build arguments, too',
  FromPlatformFlagConstDisallowed: 'the platform of FROM should not be a constant',
  CopyIgnoredFile: 'COPY and ADD should not name what the ignore file hides',
  InvalidDefinitionDescription: 'a comment before a stage or an argument should describe it, beginning with its name',
  ExposeProtoCasing: 'the protocol of EXPOSE should be in lower case',
  ExposeInvalidFormat: 'EXPOSE should name neither addresses nor ports of the host',
} as const

export type Rule = keyof typeof rules

/** These have to be asked for: `# check=experimental=…`. */
export const experimental: ReadonlySet<Rule> = new Set<Rule>(['InvalidDefinitionDescription'])
