import { InvalidInputError } from '../errors.ts'
import type { Labels } from '../job/naming.ts'
import type { JobOverlapPolicy } from '../job/on-overlap.ts'
import { checkJobId, checkJobRequest, type JobRequestInput, type JobType } from '../job/request.ts'
import type { JobTargets } from '../job/targets.ts'
import { changeWaveConditions, groupsInWaves } from '../job/wave-conditions.ts'
import type { Limits } from '../limits/limits.ts'
import type { MethodCall } from '../method/check-call.ts'
import { checkGroupedCondition, groupsIn, withoutGroups } from '../query/device-groups.ts'
import type { TwinPatch } from '../twin/check-patch.ts'

/** What the jobs of a template have in common, as it is stored. Its condition and those of its waves may name device groups. */
export type JobTemplate = (
  | { readonly type: 'scheduleDeviceMethod'; readonly request: MethodCall }
  | { readonly type: 'scheduleUpdateTwin'; readonly request: TwinPatch }
) & {
  readonly id: string
  readonly queryCondition: string
  readonly maxExecutionTimeSeconds: number
  readonly skipCompliant: boolean
  readonly targets: JobTargets
  readonly onOverlap: JobOverlapPolicy
  /** As a client gives it. It is checked again for each job. */
  readonly rollout: unknown
  readonly name: string | null
  readonly description: string | null
  readonly labels: Labels | null
  /** The device groups that the condition and the conditions of waves name. */
  readonly groups: readonly string[]
}

/** The members of a template as a client sends them; `undefined` means "left out". */
export type JobTemplateInput = Pick<
  JobRequestInput,
  | 'cloudToDeviceMethod'
  | 'updateTwin'
  | 'skipCompliant'
  | 'maxExecutionTimeInSeconds'
  | 'targets'
  | 'onOverlap'
  | 'rollout'
  | 'name'
  | 'description'
  | 'labels'
> & { readonly queryCondition?: unknown }

/** What a job may have instead of the members of its template. */
export type TemplateOverrides = Pick<
  JobRequestInput,
  'jobId' | 'startTime' | 'maxExecutionTimeInSeconds' | 'expect' | 'onOverlap' | 'name' | 'description' | 'labels'
> & { readonly queryCondition?: unknown }

/**
 * The template, complete, with the defaults of jobs. InvalidInputError with the path of the member, QueryConditionError.
 * Whether its device groups exist is not checked.
 */
export function checkTemplate(id: unknown, input: JobTemplateInput, now: Date, limits: Limits): JobTemplate {
  const { queryCondition, rollout, ...others } = input
  const templateId = checkJobId(id, ['templateId'], 'template id')
  if (typeof queryCondition !== 'string') {
    throw new InvalidInputError(['queryCondition'], 'A query condition must be a string.')
  }
  checkGroupedCondition(queryCondition)
  const request = {
    ...others,
    type: typeOf(input),
    queryCondition: '*',
    rollout: changeWaveConditions(rollout, withoutGroups),
  }
  const job = checkJobRequest(request, now, () => 'job', limits)
  return {
    id: templateId,
    ...(job.type === 'scheduleDeviceMethod'
      ? { type: job.type, request: job.cloudToDeviceMethod }
      : { type: job.type, request: job.updateTwin }),
    queryCondition,
    maxExecutionTimeSeconds: job.maxExecutionTimeInSeconds,
    skipCompliant: job.skipCompliant,
    targets: job.targets,
    onOverlap: job.onOverlap,
    rollout: rollout ?? null,
    name: job.name,
    description: job.description,
    labels: job.labels,
    groups: [...new Set([...groupsIn(queryCondition), ...groupsInWaves(rollout)])],
  }
}

function typeOf({ cloudToDeviceMethod, updateTwin }: JobTemplateInput): JobType {
  if ((cloudToDeviceMethod == null) === (updateTwin == null)) {
    throw new InvalidInputError([], 'Give either cloudToDeviceMethod or updateTwin.')
  }
  return cloudToDeviceMethod == null ? 'scheduleUpdateTwin' : 'scheduleDeviceMethod'
}

/** The labels in stored JSON. */
export function labelsIn(stored: unknown): Labels | null {
  if (typeof stored !== 'object' || stored === null) return null
  const values = Object.entries(stored).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(values)
}

/** The members of a template in the form in which clients send them. */
const inputOf = (template: JobTemplate) => ({
  queryCondition: template.queryCondition,
  maxExecutionTimeInSeconds: template.maxExecutionTimeSeconds,
  targets: template.targets === 'atStart' ? undefined : template.targets,
  onOverlap: template.onOverlap === 'parallel' ? undefined : template.onOverlap,
  rollout: template.rollout ?? undefined,
  name: template.name,
  description: template.description,
  labels: Object.entries(template.labels ?? {}).map(([name, value]) => ({ name, value })),
  ...(template.type === 'scheduleDeviceMethod'
    ? { cloudToDeviceMethod: template.request, updateTwin: undefined, skipCompliant: undefined }
    : {
        cloudToDeviceMethod: undefined,
        updateTwin: { tags: template.request.tags, properties: { desired: template.request.desired } },
        skipCompliant: template.skipCompliant,
      }),
})

/**
 * The members after a change. What is left out stays as it is, and null takes an optional member away. A template always has
 * a maximum execution time, so null leaves it as it is. A template that gets the other operation loses the one that it had.
 */
export function changedInput(template: JobTemplate, change: JobTemplateInput): JobTemplateInput {
  const { cloudToDeviceMethod, updateTwin, maxExecutionTimeInSeconds, ...members } = change
  const given = Object.fromEntries(
    Object.entries({ ...members, maxExecutionTimeInSeconds: maxExecutionTimeInSeconds ?? undefined }).filter(
      ([, value]) => value !== undefined,
    ),
  )
  const { cloudToDeviceMethod: call, updateTwin: patch, skipCompliant, ...before } = inputOf(template)
  const hasOperation = cloudToDeviceMethod != null || updateTwin != null
  const operation = hasOperation
    ? { cloudToDeviceMethod, updateTwin }
    : { cloudToDeviceMethod: call, updateTwin: patch }
  // A method call skips no device, so a template that gets one does not keep it.
  const skip = cloudToDeviceMethod == null ? { skipCompliant } : {}
  return { ...before, ...skip, ...given, ...operation }
}

/** The request for a job of the template. `undefined` and null overrides are left out. */
export function requestFrom(template: JobTemplate, overrides: TemplateOverrides) {
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value != null))
  const { queryCondition } = overrides
  return {
    ...inputOf(template),
    ...given,
    type: template.type,
    queryCondition: typeof queryCondition === 'string' ? queryCondition : template.queryCondition,
  }
}
