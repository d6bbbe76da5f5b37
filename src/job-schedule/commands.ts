import { randomInt } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { inTransaction } from '../database/client.ts'
import { lockDefinitions } from '../database/lock-definitions.ts'
import type { Tx } from '../database/reader.ts'
import type { Deps } from '../deps.ts'
import {
  AlreadyExistsError,
  ConflictError,
  DomainError,
  NotFoundError,
  PreconditionError,
  QueryConditionError,
} from '../errors.ts'
import { etagMatches } from '../etag.ts'
import { insertRequest, publishJobChanged } from '../job/commands.ts'
import type { By } from '../job/history.ts'
import { checkJobRequest, requireTurn } from '../job/request.ts'
import { requestOf } from '../job-template/commands.ts'
import { scopeOfJob } from '../query/scope.ts'
import { covers } from '../scope.ts'
import { lastTimeUntil, type Recurrence, recurrenceProblem, timesAfter } from './cron.ts'
import {
  type Authority,
  authorOf,
  changedSchedule,
  checkSchedule,
  grace,
  hasOtherTimes,
  jobIdAt,
  onOverlapOfJobs,
  requireOwnSchedule,
  requireStatus,
  type ScheduleAuthor,
  type ScheduleChange,
  type ScheduleInput,
} from './schedule.ts'
import {
  countJobSchedules,
  findRuns,
  hasOpenJob,
  insertRun,
  insertSchedule,
  lockSchedule,
  removeSchedule,
  type ScheduleRow,
  type ScheduleRun,
  saveSchedule,
} from './store.ts'

type Author = ScheduleAuthor & Pick<By, 'scope'>

const noteChanged = ({ events }: Pick<Deps, 'events'>, id: string): void =>
  events.publish('definition', 'jobSchedule', { id })
const announce = (deps: Pick<Deps, 'events'>, id: string): void => {
  deps.events.publish('work', 'schedules', {})
  noteChanged(deps, id)
}

/**
 * Creates a schedule, whose jobs are scheduled on behalf of its author and under the scope of the author. InvalidInputError and
 * QueryConditionError, also when the template can no longer be used, NotFoundError for an unknown template,
 * AlreadyExistsError, ConflictError when there are as many as allowed.
 */
export async function createJobSchedule(deps: Deps, by: Author, input: ScheduleInput): Promise<void> {
  const now = deps.clock.now()
  const schedule = checkSchedule(input, now)
  await inTransaction(deps, async (tx, afterCommit) => {
    await lockDefinitions(tx)
    await requireUsable(deps, tx, schedule, now)
    const most = deps.limits.jobSchedules
    if ((await countJobSchedules(tx)) >= most) {
      throw new ConflictError(
        `The hub has ${most} job schedules, which is the maximum (LIMIT_JOB_SCHEDULES). Delete one first.`,
      )
    }
    const inserted = await insertSchedule(tx, {
      ...schedule,
      ...active(schedule, by, now),
      createdTime: now,
      // A schedule that is created under the id of a deleted one begins elsewhere, so an old etag does not match it.
      etagVersion: randomInt(1, 2 ** 30),
    })
    if (!inserted) throw new AlreadyExistsError('job schedule', schedule.id)
    afterCommit(() => announce(deps, schedule.id))
  })
}

/**
 * The limits of the hub or its conditions may have changed since the template was saved. The first job should not be refused at
 * night. NotFoundError, InvalidInputError, QueryConditionError.
 */
async function requireUsable(
  deps: Deps,
  tx: Tx,
  schedule: Pick<ScheduleRow, 'id' | 'templateId' | 'onOverlap'>,
  now: Date,
): Promise<void> {
  const { request } = await requestOf(deps, tx, schedule.templateId, { onOverlap: onOverlapOfJobs(schedule) })
  checkJobRequest(request, now, () => schedule.id, deps.limits)
}

/** The state of a schedule with times after `from`. */
function active(recurrence: Recurrence, by: Author, from: Date) {
  const [nextTime = null] = timesAfter(recurrence, from, 1)
  return {
    status: nextTime === null ? ('ended' as const) : ('active' as const),
    statusReason: null,
    nextTime,
    author: authorOf(by),
    scope: by.scope.parts,
  }
}

/**
 * Changes the members of a schedule that are given. Its author is now who changes it, and its jobs keep their scope. When all
 * of them are as they were, nothing changes, also not the author. When its times change, the next one is the first that is
 * ahead; a paused schedule stays paused. NotFoundError, also for an unknown template, OutOfScopeError, PreconditionError,
 * InvalidInputError, also when nothing is given, QueryConditionError.
 */
export async function updateJobSchedule(
  deps: Deps,
  by: Author,
  id: string,
  given: ScheduleChange,
  ifMatch?: string | null,
): Promise<void> {
  const now = deps.clock.now()
  await inTransaction(deps, async (tx, afterCommit) => {
    await lockDefinitions(tx)
    const before = await lockOwn(tx, by, id)
    if (ifMatch != null && !etagMatches(ifMatch, before.etagVersion)) {
      throw new PreconditionError(`The job schedule "${id}" has changed: its etag is no longer ${ifMatch}.`)
    }
    const schedule = changedSchedule(before, given, now)
    if (isDeepStrictEqual(schedule, before)) return
    const hasOtherJobs = schedule.templateId !== before.templateId || schedule.onOverlap !== before.onOverlap
    if (hasOtherJobs) await requireUsable(deps, tx, schedule, now)
    const { scope, etagVersion, status } = before
    const isReplanned = status !== 'paused' && hasOtherTimes(before, schedule)
    await saveSchedule(tx, {
      ...schedule,
      author: authorOf(by),
      ...(isReplanned && { ...active(schedule, by, await lastTime(tx, id, now)), scope }),
      etagVersion: etagVersion + 1,
    })
    afterCommit(() => announce(deps, id))
  })
}

/**
 * Pauses a schedule: it schedules nothing until it is resumed. Jobs go on. NotFoundError, OutOfScopeError, ConflictError when
 * it is not active.
 */
export async function pauseJobSchedule(deps: Deps, by: Author, id: string): Promise<void> {
  await change(deps, by, id, async (tx, schedule) => {
    requireStatus(id, schedule.status, 'active')
    await saveSchedule(tx, { ...schedule, status: 'paused', statusReason: null, nextTime: null })
  })
}

/**
 * Resumes a schedule with its next time; times during the pause are not made up for. Its author is now who resumes it.
 * NotFoundError, OutOfScopeError, ConflictError when it is not paused, or when its times can no longer be computed.
 */
export async function resumeJobSchedule(deps: Deps, by: Author, id: string): Promise<void> {
  await change(deps, by, id, async (tx, schedule) => {
    requireStatus(id, schedule.status, 'paused')
    const problem = recurrenceProblem(schedule)
    if (problem !== undefined) throw new ConflictError(`The job schedule "${id}" cannot be resumed. ${problem}`)
    // Its jobs get no more devices than before, whoever resumes it.
    const { scope } = schedule
    const from = await lastTime(tx, id, deps.clock.now())
    await saveSchedule(tx, { ...schedule, ...active(schedule, by, from), scope })
  })
}

/** Now, or the time of its last run: a clock that was set back must not lead to a second run of the same time. */
async function lastTime(tx: Tx, id: string, now: Date): Promise<Date> {
  const [newest] = await findRuns(tx, [id], 1)
  return newest !== undefined && newest.time > now ? newest.time : now
}

/** Deletes a schedule. Its jobs stay. NotFoundError, OutOfScopeError. */
export async function deleteJobSchedule(deps: Deps, by: Author, id: string): Promise<void> {
  await change(deps, by, id, (tx) => removeSchedule(tx, id))
}

async function change(
  deps: Deps,
  by: Author,
  id: string,
  write: (tx: Tx, schedule: ScheduleRow) => Promise<void>,
): Promise<void> {
  await inTransaction(deps, async (tx, afterCommit) => {
    await write(tx, await lockOwn(tx, by, id))
    afterCommit(() => announce(deps, id))
  })
}

async function lockOwn(tx: Tx, by: Author, id: string): Promise<ScheduleRow> {
  const schedule = await lockSchedule(tx, id)
  if (schedule === undefined) throw new NotFoundError('job schedule', id)
  requireOwnSchedule(by.scope, schedule)
  return schedule
}

/**
 * Does what a schedule has to do at its planned time, once over all instances: the job, the run and the next time are
 * committed together under the lock of the schedule. Does nothing when the time has not come, or another instance was
 * faster. A schedule whose author may no longer do what it does is paused, and so is one that the hub can no longer read.
 */
export async function runSchedule(
  deps: Deps,
  id: string,
  authorityOf: (author: ScheduleAuthor) => Promise<Authority | undefined>,
): Promise<void> {
  await inTransaction(deps, async (tx, afterCommit) => {
    const schedule = await lockSchedule(tx, id)
    const now = deps.clock.now()
    const planned = schedule?.nextTime
    if (schedule === undefined || planned == null || planned > now) return
    afterCommit(() => noteChanged(deps, id))
    const problem = recurrenceProblem(schedule)
    // Of several times that have passed, one job makes up for all.
    const last = problem === undefined ? lastTimeUntil(schedule, new Date(planned.getTime() - 1), now) : undefined
    const time = last ?? planned
    const lack = problem ?? lackOf(schedule, await authorityOf(schedule.author))
    if (lack === undefined) {
      const run = await runAt(deps, tx, schedule, time, now)
      await insertRun(tx, id, run)
      const { jobId } = run
      if (jobId !== null) afterCommit(() => publishJobChanged(deps, jobId))
      const [nextTime = null] = timesAfter(schedule, now, 1)
      await saveSchedule(tx, { ...schedule, nextTime, status: nextTime === null ? 'ended' : 'active' })
      return
    }
    await insertRun(tx, id, { time, outcome: 'refused', jobId: null, reason: lack })
    await saveSchedule(tx, { ...schedule, status: 'paused', statusReason: lack, nextTime: null })
    afterCommit(() => deps.log.warn({ schedule: id, reason: lack }, 'job schedule paused'))
  })
}

/** Why the author may no longer schedule the jobs, as a sentence; undefined when it may. */
function lackOf({ author, scope }: ScheduleRow, authority: Authority | undefined): string | undefined {
  const who = `${author.kind === 'policy' ? 'The policy' : 'The author'} "${author.name}"`
  if (authority === undefined || !authority.mayWriteJobs) return `${who} may no longer schedule jobs.`
  try {
    if (covers(authority.scope, scopeOfJob(scope))) return undefined
    return `${who} no longer sees all the devices of the schedule.`
  } catch (error) {
    if (!(error instanceof QueryConditionError)) throw error
    return `The scope of the schedule no longer parses: ${error.message}.`
  }
}

async function runAt(deps: Deps, tx: Tx, schedule: ScheduleRow, time: Date, now: Date): Promise<ScheduleRun> {
  const { id, templateId, author } = schedule
  const without = { time, jobId: null, reason: null }
  const isLate = now.getTime() - time.getTime() > grace
  if (isLate && schedule.onMissed === 'skip') return { ...without, outcome: 'missed' }
  if (schedule.onOverlap === 'skip' && (await hasOpenJob(tx, id))) return { ...without, outcome: 'overlapped' }
  const jobId = jobIdAt(id, time)
  try {
    const by = { ...author, scope: scopeOfJob(schedule.scope) }
    const { request: input, templateChangedBy } = await requestOf(deps, tx, templateId, {
      jobId,
      onOverlap: onOverlapOfJobs(schedule),
    })
    const request = checkJobRequest(input, now, () => jobId, deps.limits)
    requireTurn(request)
    const reason = `Job schedule "${id}", planned for ${time.toISOString()}.`
    await insertRequest(tx, by, request, now, { cause: 'schedule', reason, templateChangedBy })
    return { time, outcome: 'scheduled', jobId, reason: null }
  } catch (error) {
    // Thrown before anything was written, so the transaction goes on.
    if (!(error instanceof DomainError)) throw error
    return { ...without, outcome: 'refused', reason: error.message }
  }
}
