/** What the API takes and gives, as the contract has it: types alone, so that nothing of the contract is loaded. */
export type {
  ApiKeyJson as ApiKey,
  ApiKeyPageJson as ApiKeyPage,
  BatchJson as Batch,
  CaseResultJson as CaseResult,
  CreatedApiKeyJson as CreatedApiKey,
  ErrorCode,
  FieldProblem,
  JobJson as Job,
  JobPageJson as JobPage,
  LanguageJson as Language,
  NewApiKeyInput as NewApiKey,
  NewBatchInput as NewBatch,
  NewJobInput as NewJob,
  ProblemJson as Problem,
  Status,
  SystemJson as System,
} from '@runlane/contract';
