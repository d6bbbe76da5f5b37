import { randomInt } from 'node:crypto'
import type { Actor } from '../actor.ts'
import { inTransaction } from '../database/client.ts'
import { lockDefinitions } from '../database/lock-definitions.ts'
import type { Reader, Tx } from '../database/reader.ts'
import type { Deps } from '../deps.ts'
import { withGroupsOfJob } from '../device-group/commands.ts'
import { AlreadyExistsError, ConflictError, NotFoundError, PreconditionError } from '../errors.ts'
import { etagMatches } from '../etag.ts'
import {
  countJobTemplates,
  findSchedulesOfTemplate,
  readTemplate,
  removeTemplate,
  saveTemplate,
  type WholeTemplate,
} from './store.ts'
import { changedInput, checkTemplate, type JobTemplateInput, requestFrom, type TemplateOverrides } from './template.ts'

const announce = ({ events }: Pick<Deps, 'events'>, id: string): void =>
  events.publish('definition', 'jobTemplate', { id })

/**
 * Creates a template. InvalidInputError and QueryConditionError (also for a device group that does not exist),
 * AlreadyExistsError, ConflictError when there are as many as allowed.
 */
export async function createJobTemplate(
  deps: Deps,
  by: Actor,
  { templateId, ...input }: JobTemplateInput & { readonly templateId: unknown },
): Promise<void> {
  const now = deps.clock.now()
  const template = checkTemplate(templateId, input, now, deps.limits)
  await inTransaction(deps, async (tx, afterCommit) => {
    await lockDefinitions(tx)
    if ((await readTemplate(tx, template.id)) !== undefined) throw new AlreadyExistsError('job template', template.id)
    const most = deps.limits.jobTemplates
    if ((await countJobTemplates(tx)) >= most) {
      throw new ConflictError(
        `The hub has ${most} job templates, which is the maximum (LIMIT_JOB_TEMPLATES). Delete one first.`,
      )
    }
    await withGroupsOfJob(deps, template)
    // A template that is created under the id of a deleted one begins elsewhere, so an old etag does not match it.
    await saveTemplate(tx, template, { version: randomInt(1, 2 ** 30), now, by })
    afterCommit(() => announce(deps, template.id))
  })
}

/**
 * Changes the members of a template that are given. Jobs that were scheduled from it stay as they are. NotFoundError,
 * PreconditionError, InvalidInputError, QueryConditionError.
 */
export async function updateJobTemplate(
  deps: Deps,
  by: Actor,
  templateId: string,
  change: JobTemplateInput,
  ifMatch?: string | null,
): Promise<void> {
  const now = deps.clock.now()
  await inTransaction(deps, async (tx, afterCommit) => {
    await lockDefinitions(tx)
    const before = await matching(tx, templateId, ifMatch)
    const template = checkTemplate(templateId, changedInput(before, change), now, deps.limits)
    await withGroupsOfJob(deps, template)
    await saveTemplate(tx, template, { version: before.etagVersion + 1, now, by })
    afterCommit(() => announce(deps, templateId))
  })
}

/** Deletes a template. Jobs that were scheduled from it stay. NotFoundError, PreconditionError, ConflictError while a schedule uses it. */
export async function deleteJobTemplate(deps: Deps, templateId: string, ifMatch?: string | null): Promise<void> {
  await inTransaction(deps, async (tx, afterCommit) => {
    await lockDefinitions(tx)
    await matching(tx, templateId, ifMatch)
    const schedules = await findSchedulesOfTemplate(tx, templateId)
    if (schedules.length > 0) {
      const ids = schedules.map((id) => `"${id}"`).join(', ')
      throw new ConflictError(`Job schedules use the template "${templateId}": ${ids}. Delete them first.`)
    }
    await removeTemplate(tx, templateId)
    afterCommit(() => announce(deps, templateId))
  })
}

/** The template, which exists and has the etag. */
async function matching(tx: Tx, id: string, ifMatch: string | null | undefined): Promise<WholeTemplate> {
  const template = await readTemplate(tx, id)
  if (template === undefined) throw new NotFoundError('job template', id)
  if (ifMatch == null || etagMatches(ifMatch, template.etagVersion)) return template
  throw new PreconditionError(`The job template "${id}" has changed: its etag is no longer ${ifMatch}.`)
}

/**
 * The request for a job of a template, with other values for the members that are given, and with the conditions of its
 * device groups; and who has changed the template last. NotFoundError for an unknown template, QueryConditionError,
 * InvalidInputError for a condition of a wave.
 */
export async function requestOf(deps: Deps, db: Reader, templateId: string, overrides: TemplateOverrides) {
  const template = await readTemplate(db, templateId)
  if (template === undefined) throw new NotFoundError('job template', templateId)
  const request = await withGroupsOfJob(deps, requestFrom(template, overrides))
  return { request, templateChangedBy: template.updatedById }
}
