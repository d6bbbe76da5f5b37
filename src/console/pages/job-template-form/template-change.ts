import type { CreateJobTemplateInput, UpdateJobTemplateInput } from '../../../generated/console/graphql.ts'
import type { JobRequest } from '../schedule/request.ts'

/** What a template has of a request for a job. */
export function templateOf({
  jobId: _,
  startTime: __,
  ...template
}: JobRequest): Omit<CreateJobTemplateInput, 'templateId'> {
  return template
}

/**
 * The members of a template, and which of the two operations they are for. The compiler finds one that is missing, which an edit
 * would leave as it is.
 */
const members = {
  queryCondition: 'both',
  targets: 'both',
  onOverlap: 'both',
  maxExecutionTimeInSeconds: 'both',
  name: 'both',
  description: 'both',
  labels: 'both',
  rollout: 'both',
  skipCompliant: 'both',
  cloudToDeviceMethod: 'method',
  updateTwin: 'twin',
} as const satisfies Readonly<Record<Exclude<keyof JobRequest, 'jobId' | 'startTime'>, 'both' | 'method' | 'twin'>>

type Member = keyof typeof members
const isMember = (name: string): name is Member => name in members

/**
 * The members that differ from those `before`; null takes one away. The others are left out, because the form may not know all
 * of them: the hub keeps what it is not given.
 */
export function templateChange(before: JobRequest, after: JobRequest): Omit<UpdateJobTemplateInput, 'templateId'> {
  const operation = after.cloudToDeviceMethod ? 'method' : 'twin'
  // A template that gets the other operation loses the one that it had.
  const names = Object.keys(members)
    .filter(isMember)
    .filter((name) => members[name] === 'both' || members[name] === operation)
  return Object.assign({}, ...names.map((name) => differenceIn(name, before, after)))
}

function differenceIn<Name extends Member>(
  name: Name,
  before: JobRequest,
  after: JobRequest,
): { readonly [name in Member]?: JobRequest[name] | null } {
  return JSON.stringify(before[name]) === JSON.stringify(after[name]) ? {} : { [name]: after[name] ?? null }
}
