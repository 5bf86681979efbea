/** What the API takes and gives, as the contract has it: types alone, so that nothing of the contract is loaded. */
export type {
  BatchJson as Batch,
  CaseResultJson as CaseResult,
  ErrorCode,
  FieldProblem,
  JobJson as Job,
  JobPageJson as JobPage,
  LanguageJson as Language,
  NewBatchInput as NewBatch,
  NewJobInput as NewJob,
  ProblemJson as Problem,
  Status,
  SystemJson as System,
} from '@runlane/contract';
