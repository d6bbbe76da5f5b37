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
 * The members that differ from those `before`; null takes one away. The others are left out, because the form may not know all
 * of them: the hub keeps what it is not given.
 */
export function templateChange(before: JobRequest, after: JobRequest): Omit<UpdateJobTemplateInput, 'templateId'> {
  const [was, is] = [templateOf(before), templateOf(after)]
  return {
    ...pick('queryCondition'),
    ...pick('maxExecutionTimeInSeconds'),
    ...pick('name'),
    ...pick('description'),
    ...pick('labels'),
    ...pick('rollout'),
    ...pick('skipCompliant'),
    // A template that gets the other operation loses the one that it had.
    ...(is.cloudToDeviceMethod ? pick('cloudToDeviceMethod') : pick('updateTwin')),
  }

  function pick<Name extends keyof typeof was>(name: Name): { readonly [name in Name]?: (typeof was)[Name] | null } {
    if (JSON.stringify(was[name]) === JSON.stringify(is[name])) return {}
    const change: { [name in Name]?: (typeof was)[Name] | null } = {}
    change[name] = is[name] ?? null
    return change
  }
}
