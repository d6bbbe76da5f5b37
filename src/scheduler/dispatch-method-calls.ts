import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { firstAtOnce, mostAtOnce } from '../job/job-limits.ts'
import { makeRequestId } from '../job/request-id.ts'
import { type AttemptPlace, findRepeated } from '../job/store/attempts.ts'
import {
  type AttemptKey,
  type DeviceJobKey,
  type Dispatch,
  findGroups,
  findWaiting,
  lockOpenJobs,
  type Marks,
  markDispatched,
  unmarkDispatched,
} from '../job/store/facts.ts'
import { findJob, findWaitingJobs, type JobWithWork } from '../job/store/jobs.ts'
import { findTargets, findTargetsAmong, findTargetsInWaves, type WavePlace } from '../job/store/targets.ts'
import type { Span, Tracing } from '../tracing.ts'
import type { InFlightCalls } from './in-flight-calls.ts'
import { createJobByJob } from './job-by-job.ts'
import { createLaterCalls } from './later-calls.ts'
import { createLimitedQueues, type LimitedCall } from './limited-queues.ts'
import { earlier, type Step } from './loop.ts'
import type { OrphanCandidate, OrphanCandidates } from './orphan-candidates.ts'
import { publishRoom } from './publish-progress.ts'

// An offline device is neither polled nor called again: its call waits in the rows until the device attaches
// (`onAttach`), and is then sent once.

/** Calls per transaction. Measured: 1,000 rows per statement beat 100 and 5,000. */
const batchSize = 1_000

/** Batches at a time: while one is sent, the next is marked. */
const batchesAtOnce = 2

/** Jobs whose repeated calls are read by one statement, and how many calls it returns at most. */
const jobsPerLook = 1_000
const attemptsPerLook = 10_000

/** Milliseconds between two looks for repeated calls, in case an event was lost. */
const lookInterval = 60_000

/**
 * How many targets can be read in order for the cost of looking up one device. Measured: 2 of 100,000 targets, 4 to 8
 * of a million.
 */
const rowsPerLookup = 4

/** Jobs of which is known that their devices were looked for, although none waits. To forget one costs another scan. */
const mostScanned = 1_000

/**
 * The rest of a job's scan: its targets after this one, or, when few devices are connected here, the devices to look up
 * among its targets. Of a job with waves, its open waves are read in order.
 */
type Scan = { readonly after: string } | { readonly afterPlace: WavePlace } | { readonly here: readonly string[] }

/** A running method job: the call as it is sent. */
type Call = {
  readonly methodName: string
  readonly payload: string
  readonly timeoutMs: number
  readonly hasBudget: boolean
  readonly resumedVersion: number | null
  /** The last wave whose devices were looked for; null without waves. */
  readonly openWave: number | null
  /** The open windows whose devices were looked for; null without time windows. */
  readonly openings: readonly string[] | null
  readonly isContinuous: boolean
  /** Whether calls are repeated. */
  readonly repeats: boolean
}

/** A job whose devices were looked for: what was the case then, and up to where its attempts were read. */
type Scanned = Pick<Call, 'resumedVersion' | 'openWave'> & { readonly seen: AttemptPlace | undefined }

/** What is marked together. */
type Batch = { readonly others: readonly DeviceJobKey[]; readonly limited: readonly LimitedCall[] }

/** Whether a window was opened that was not open when its devices were looked for. */
const hasOpened = (openings: readonly string[] | null, known: readonly string[] | null): boolean =>
  openings?.some((opening) => !known?.includes(opening)) ?? false

const noMarks: Marks = { marked: [], held: [], full: [], later: [], waitMs: null }

/** The marks of two statements. */
const joinMarks = (one: Marks, other: Marks): Marks => ({
  marked: [...one.marked, ...other.marked],
  held: [...one.held, ...other.held],
  full: [...one.full, ...other.full],
  later: [...one.later, ...other.later],
  waitMs:
    one.waitMs === null || other.waitMs === null ? (one.waitMs ?? other.waitMs) : Math.min(one.waitMs, other.waitMs),
})

/** A call of a batch. The attempt is known when it is marked. */
type Departure = Dispatch & AttemptKey & { readonly call: Call }

/** A call that no other instance waits for either. */
const withoutGrace = (call: Dispatch): OrphanCandidate => ({ ...call, graceMs: 0 })

const startCall = (tracing: Tracing, { jobId, deviceId, call }: Departure): Span => {
  const attributes = { 'twincast.job.id': jobId, 'twincast.device.id': deviceId }
  return tracing.start(`call ${call.methodName}`, { kind: 'client', attributes })
}

/**
 * Pending → marked with a deadline, committed, and only then sent, to devices connected here. They are looked for once,
 * when a job starts (or this process does): among the job's targets or, if those are many more, each by its id. After
 * that, a device that attaches asks for its waiting calls. So calls for devices that are offline or connected elsewhere
 * cost nothing.
 */
export function dispatchMethodCalls(
  deps: Deps,
  {
    requestKey,
    window,
    orphans,
  }: { readonly requestKey: string; readonly window: InFlightCalls; readonly orphans: OrphanCandidates },
): Step & { close(): void } {
  const name = 'dispatch-method-calls'
  const jobByJob = createJobByJob(deps, name)
  /** Apart from the reads of a job, which may succeed each time and would end its rests. */
  const marksByJob = createJobByJob(deps, name)
  const rests = (jobId: string): boolean => jobByJob.rests(jobId) || marksByJob.rests(jobId)
  const calls = new Map<string, Call>()
  /** Jobs being scanned. The first is next; after a page it moves to the end. */
  const scans = new Map<string, Scan>()
  /**
   * The continuous jobs and those with a retry policy whose devices were looked for, while none of them waits. Devices that join
   * are reported, and repeated calls are read by their attempts, so the others are not read again for each.
   */
  const scanned = new Map<string, Scanned>()
  /** Devices that attached and whose waiting calls have not been read yet. */
  const arrivals = new Set<string>()
  /** Found and not yet sent. */
  let found: DeviceJobKey[] = []
  /** Found, of jobs with limits. */
  const limited = createLimitedQueues(deps)
  /** Found, with a next attempt that has to wait. */
  const later = createLaterCalls(deps.clock)
  /** Of running jobs with a retry policy: up to where their attempts were read. What was before is found by their scans. */
  const seenAttempts = new Map<string, AttemptPlace>()
  /** When to read attempts again. */
  let attemptsLook = 0
  /** The start times of jobs of which no call was sent, until the first is. */
  const startTimes = new Map<string, Date>()
  /** How many calls are being marked. They will be in the window. */
  let marking = 0
  let lastTurn: Promise<unknown> = Promise.resolve()
  /** Finding is done by one turn at a time, while another one marks and sends. */
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = lastTurn.then(work)
    lastTurn = turn.catch(() => {})
    return turn
  }

  const arrive = (deviceId: string): void => {
    arrivals.add(deviceId)
    // The first of a burst wakes the loop; the others are there by the time it runs.
    if (arrivals.size === 1) deps.events.publish('work', 'deviceJobs', {})
  }
  const stopListening = [
    deps.attached.onAttach(arrive),
    deps.events.listen('waiting')(({ deviceIds }) => {
      for (const deviceId of deviceIds) if (deps.attached.reaches(deviceId)) arrive(deviceId)
    }),
    deps.events.listen('missed')(() => {
      // Devices that joined may have been reported in vain.
      scanned.clear()
      for (const [jobId, { isContinuous }] of calls) if (isContinuous) calls.delete(jobId)
      deps.events.publish('work', 'deviceJobs', {})
    }),
    deps.events.listen(
      'work',
      'attempts',
    )(() => {
      attemptsLook = 0
    }),
  ]

  /** What is known of a job. When it is learnt again, its devices are looked for. */
  const forget = (jobId: string): void => {
    calls.delete(jobId)
    scans.delete(jobId)
    scanned.delete(jobId)
    startTimes.delete(jobId)
    seenAttempts.delete(jobId)
    limited.close(jobId)
  }

  const forgetFailed = (): void => {
    for (const jobId of [...jobByJob.resting(), ...marksByJob.resting()]) forget(jobId)
  }

  const isLearnt = ({ id, resumedVersion, openWave, openings }: JobWithWork): boolean => {
    const known = calls.get(id)
    return (
      known?.resumedVersion === resumedVersion && known.openWave === openWave && !hasOpened(openings, known.openings)
    )
  }

  const learnJobs = async (): Promise<void> => {
    const jobs = await findWaitingJobs(deps.db, 'scheduleDeviceMethod')
    const jobIds = new Set(jobs.map(({ id }) => id))
    for (const [jobId, call] of calls) {
      if (jobIds.has(jobId)) continue
      if (scanned.size >= mostScanned) scanned.clear()
      const { isContinuous, repeats, openings, resumedVersion, openWave } = call
      const comesBack = (isContinuous || repeats) && openings === null && !scans.has(jobId)
      const seen = seenAttempts.get(jobId)
      forget(jobId)
      if (comesBack) scanned.set(jobId, { resumedVersion, openWave, seen })
    }
    await jobByJob.each(
      jobs.filter((job) => !isLearnt(job) && !marksByJob.rests(job.id)),
      ({ id }) => id,
      async ({ id: jobId, deviceCount, isNew, resumedVersion, firstWave, openWave, openings }) => {
        // After a pause, however short, its devices are looked for again: calls may have been refused meanwhile. When a wave was
        // opened, only its devices are, so that none of the earlier waves is read again. When a time window was opened, all are, because
        // calls were refused while it was closed.
        const known = calls.get(jobId)
        const isKnown = known?.resumedVersion === resumedVersion && !hasOpened(openings, known.openings)
        const job = await findJob(deps.db, jobId)
        if (job?.type !== 'scheduleDeviceMethod') return
        const { methodName, payload, responseTimeoutInSeconds } = job.request
        const timeoutMs = responseTimeoutInSeconds * 1000
        calls.set(jobId, {
          methodName,
          payload: JSON.stringify(payload),
          timeoutMs,
          hasBudget: job.budgetMaxConcurrent !== null,
          resumedVersion,
          openWave,
          openings,
          isContinuous: job.targets === 'continuous',
          repeats: job.retryPolicy !== null,
        })
        const before = scanned.get(jobId)
        const isScanned = before?.resumedVersion === resumedVersion && before.openWave === openWave
        scanned.delete(jobId)
        if (job.retryPolicy !== null && !isKnown) {
          // What is not found by a scan is read from where reading stopped.
          seenAttempts.set(jobId, (isScanned ? before.seen : undefined) ?? { version: job.version, deviceId: '' })
          // Their event may have come before the job was known again.
          if (isScanned) attemptsLook = 0
        }
        const left = scans.get(jobId)
        if (isKnown && left !== undefined && 'afterPlace' in left) return // the scan goes on into the new wave
        const most = mostAtOnce(job)
        if (most === undefined) limited.close(jobId)
        else if (!isKnown) {
          // A ramp makes room when calls succeed.
          const [isRated, isBounded] = [job.maxPerMinute !== null, job.maxConcurrent !== null || job.ramp !== null]
          const first = firstAtOnce(job) ?? most
          limited.open(jobId, { first, most, isRated, isBounded, budget: job.budgetMaxConcurrent, timeoutMs })
        }
        if (isNew && resumedVersion === null && openings === null && deps.metrics !== undefined)
          startTimes.set(jobId, job.startTime)
        if (isScanned) return
        // Devices that attach from now on are reported by `onAttach`.
        if (deviceCount <= deps.attached.size * rowsPerLookup) {
          // The rest of another kind of scan has devices of the earlier waves, so these are read again.
          const begin = isKnown && left === undefined ? known.openWave : null
          scans.set(jobId, firstWave === null ? { after: '' } : { afterPlace: startOf(begin, firstWave) })
        } else if (deps.attached.size > 0) scans.set(jobId, { here: [...deps.attached.ids()] })
      },
    )
    forgetFailed()
  }

  const readArrivals = async (): Promise<void> => {
    const deviceIds = [...arrivals].slice(0, batchSize)
    for (const deviceId of deviceIds) arrivals.delete(deviceId)
    try {
      found.push(...(await findWaiting(deps.db, deviceIds)))
    } catch (error) {
      for (const deviceId of deviceIds) arrivals.add(deviceId)
      throw error
    }
  }

  const readPage = async (jobId: string, left: Scan): Promise<{ deviceIds: string[]; next?: Scan }> => {
    const timed = { hasWindow: calls.get(jobId)?.openings != null }
    if ('here' in left) {
      const deviceIds = await findTargetsAmong(deps.db, jobId, left.here.slice(0, batchSize), timed)
      return left.here.length > batchSize ? { deviceIds, next: { here: left.here.slice(batchSize) } } : { deviceIds }
    }
    if ('afterPlace' in left) {
      const places = await findTargetsInWaves(deps.db, jobId, left.afterPlace, batchSize, timed)
      const deviceIds = places.map(({ deviceId }) => deviceId)
      const last = places.at(-1)
      return last !== undefined && places.length === batchSize
        ? { deviceIds, next: { afterPlace: last } }
        : { deviceIds }
    }
    const deviceIds = await findTargets(deps.db, jobId, left.after, batchSize, timed)
    const last = deviceIds.at(-1)
    return last !== undefined && deviceIds.length === batchSize ? { deviceIds, next: { after: last } } : { deviceIds }
  }

  /**
   * The rest of a scan of a limited job waits until its queue needs it. That of a job with a budget does not wait for groups
   * that are full: the devices of others may be behind them.
   */
  const nextScan = (): [string, Scan] | undefined => {
    for (const scan of scans) if (limited.readyOf(scan[0]) < batchSize) return scan
    return undefined
  }

  /** Moves what was found of jobs with limits to their queues. */
  const queueLimited = async (): Promise<void> => {
    const isLimited = ({ jobId }: DeviceJobKey): boolean => limited.has(jobId)
    if (!found.some(isLimited)) return
    const keys = found.filter(isLimited)
    const hasBudget = ({ jobId }: DeviceJobKey): boolean => calls.get(jobId)?.hasBudget === true
    await jobByJob.each(
      new Set(keys.filter(hasBudget).map((key) => key.jobId)),
      (jobId) => jobId,
      async (jobId) => {
        const deviceIds = keys.filter((key) => key.jobId === jobId).map(({ deviceId }) => deviceId)
        limited.add(await findGroups(deps.db, jobId, deviceIds))
      },
    )
    limited.add(keys.filter((key) => !hasBudget(key)))
    found = found.filter((key) => !isLimited(key))
    forgetFailed()
  }

  const readNextPage = async (): Promise<void> => {
    const scan = nextScan()
    if (scan === undefined) return
    const [jobId, left] = scan
    const page = await jobByJob.attempt(jobId, () => readPage(jobId, left))
    if (page === undefined) return forgetFailed()
    const { deviceIds, next } = page
    scans.delete(jobId)
    if (next !== undefined) scans.set(jobId, next)
    for (const deviceId of deviceIds) if (deps.attached.reaches(deviceId)) found.push({ jobId, deviceId })
    // A job whose devices connect later is not late.
    if (next === undefined && !found.some((key) => key.jobId === jobId) && limited.isEmpty(jobId))
      startTimes.delete(jobId)
  }

  /** Calls that are repeated, through whichever instance they ended. */
  const readAttempts = async (): Promise<void> => {
    if (seenAttempts.size === 0 || attemptsLook > deps.clock.elapsed()) return
    attemptsLook = deps.clock.elapsed() + lookInterval
    try {
      for (let left = [...seenAttempts.keys()]; left.length > 0; ) {
        const jobIds = left.slice(0, jobsPerLook)
        const limit = Math.floor(attemptsPerLook / jobIds.length)
        const seen = jobIds.flatMap((jobId) => {
          const place = seenAttempts.get(jobId)
          return place === undefined ? [] : { jobId, ...place }
        })
        const attempts = await findRepeated(deps.db, seen, limit)
        later.add(attempts.filter(({ deviceId }) => deps.attached.reaches(deviceId)))
        const counts = new Map<string, number>()
        for (const { jobId, version, deviceId } of attempts) {
          seenAttempts.set(jobId, { version, deviceId })
          counts.set(jobId, (counts.get(jobId) ?? 0) + 1)
        }
        left = [...left.slice(jobsPerLook), ...jobIds.filter((jobId) => counts.get(jobId) === limit)]
      }
    } catch (error) {
      attemptsLook = 0
      throw error
    }
  }

  const canFind = (): boolean => arrivals.size > 0 || nextScan() !== undefined

  /** Finds a batch, or as many as there are. */
  const find = async (): Promise<void> => {
    await learnJobs()
    await readAttempts()
    found.push(...later.due())
    await queueLimited()
    while (found.length < batchSize && canFind()) {
      if (arrivals.size > 0) await readArrivals()
      else await readNextPage()
      await queueLimited()
    }
  }

  /**
   * The calls of a batch with their deadlines, each once. They keep what is sent: another turn may find that their job
   * has no waiting devices any more.
   */
  const callsOf = (batch: readonly DeviceJobKey[], now: Date): Map<string, Departure> => {
    const dispatches = new Map<string, Departure>()
    for (const { jobId, deviceId } of batch) {
      const call = calls.get(jobId)
      if (call === undefined) {
        // Its job had no waiting devices when the jobs were learnt, and may not be scanned again. One that rests will be.
        if (!rests(jobId)) arrivals.add(deviceId)
        continue
      }
      const deadline = new Date(now.getTime() + call.timeoutMs)
      dispatches.set(`${jobId}\n${deviceId}`, { jobId, deviceId, deadline, call })
    }
    return dispatches
  }

  const mark = async (batch: Batch, dispatches: ReadonlyMap<string, Departure>, now: Date): Promise<Departure[]> => {
    const { instanceId } = deps.lease
    let marks = noMarks
    try {
      const left = await marksByJob.together([...dispatches.values()], async (some) => {
        const more = await deps.db.autocommit((tx) => markDispatched(tx, some, { instanceId, now }))
        later.add(more.later)
        marks = marks === noMarks ? more : joinMarks(marks, more)
      })
      // Their devices are looked for again when they have rested.
      if (left.length > 0) forgetFailed()
    } finally {
      limited.answer(batch.limited, marks)
    }
    return marks.marked.flatMap(({ jobId, deviceId, attempt }) => {
      const dispatch = dispatches.get(`${jobId}\n${deviceId}`)
      if (dispatch === undefined) return []
      return attempt === undefined ? dispatch : { ...dispatch, attempt }
    })
  }

  /** Unmarks calls that could not be sent: their devices wait again, and are read again if they are back already. */
  const takeBack = async (keys: readonly AttemptKey[]): Promise<void> => {
    await inTransaction(deps, async (tx, afterCommit) => {
      const open = await lockOpenJobs(
        tx,
        keys.map((key) => key.jobId),
      )
      const freed = await unmarkDispatched(tx, open, keys)
      afterCommit(() => {
        publishRoom(deps, freed)
        // The job may have been cancelled, and may have no other call in progress.
        deps.events.publish('work', 'settled', {})
      })
    })
    deps.events.publish('waiting', { deviceIds: keys.map(({ deviceId }) => deviceId) })
  }

  const measureDelay = (jobId: string): void => {
    const startTime = startTimes.get(jobId)
    if (startTime === undefined) return
    startTimes.delete(jobId)
    const seconds = (deps.clock.now().getTime() - startTime.getTime()) / 1000
    deps.metrics?.observe('twincast_job_dispatch_delay_seconds', { type: 'method' }, seconds)
  }

  /** Returns the number of calls sent. */
  const send = async (batch: Batch, now: Date): Promise<number> => {
    const dispatches = callsOf([...batch.others, ...batch.limited], now)
    const undelivered: Departure[] = []
    /** Calls whose marks may have been committed although nothing waits for their answers. */
    let unsure: Iterable<Dispatch> = dispatches.values()
    try {
      const marked = await mark(batch, dispatches, now)
      for (const dispatch of marked) {
        const { jobId, deviceId, deadline, call, attempt = 1 } = dispatch
        const requestId = makeRequestId(requestKey, jobId, deviceId, attempt)
        // This process may have stalled since the mark: the deadline may be over, or the device connected to another
        // instance. A clock that is wrong by now may have stalled it too.
        const isLate = deadline <= deps.clock.now() || !deps.lease.holds() || !deps.lease.isClockRight()
        const span = deps.tracing && startCall(deps.tracing, dispatch)
        if (!isLate && deps.attached.deliver({ deviceId, requestId, ...call })) {
          window.add(
            span === undefined
              ? { requestId, jobId, deviceId, attempt, deadline }
              : { requestId, jobId, deviceId, attempt, deadline, span },
          )
        } else {
          span?.end()
          undelivered.push(dispatch)
        }
      }
      unsure = undelivered
      // What is left stays marked, although nothing waits for it.
      orphans.add((await marksByJob.together(undelivered, takeBack)).map(withoutGrace))
      for (const jobId of new Set(marked.map((key) => key.jobId))) {
        deps.events.jobChanged(jobId)
        measureDelay(jobId)
      }
      return marked.length - undelivered.length
    } catch (error) {
      // A commit without an answer may have succeeded.
      orphans.add([...unsure].map(withoutGrace))
      throw error
    }
  }

  const room = (): number => Math.max(window.free - marking, 0)

  /** While a batch is marked and sent, so that the next one can be marked as soon as there is room for it. */
  const findAhead = async (): Promise<void> => {
    if (found.length < batchSize && canFind()) await find()
  }

  /** The next batch, as far as the throttle and the window allow. It counts as being marked from now on. */
  const take = async () => {
    if (found.length < Math.min(room(), batchSize)) await find()
    // A device that has disconnected since is read again when it returns.
    const reachable = found.filter(({ deviceId }) => deps.attached.reaches(deviceId))
    const taken = limited.take(Math.min(batchSize, room()), deps.attached.reaches)
    const { granted, next } = deps.throttles.pace(Math.min(reachable.length + taken.length, batchSize, room()))
    found = reachable.slice(granted)
    const others = reachable.slice(0, granted)
    const ofLimited = granted - others.length
    limited.putBack(taken.slice(ofLimited))
    marking += granted
    return { batch: { others, limited: taken.slice(0, ofLimited) }, granted, next }
  }

  deps.metrics?.read('twincast_queue_length', () => [
    { labels: { queue: 'calls' }, value: found.length + marking + arrivals.size },
  ])

  return {
    name,
    every: 5_000,
    atOnce: batchesAtOnce,
    wokenBy: ['started', 'deviceJobs', 'attempts'],
    async run() {
      // Other instances may have taken over its devices. An event follows once that is settled.
      if (!deps.lease.holds()) return { done: 0, full: false }
      const { batch, granted, next } = await alone(take)
      let unused = 0
      if (granted > 0) {
        // The next turn looks for what was not found, and reports the fault.
        const ahead = alone(findAhead).catch(() => {})
        try {
          // By now, not by the start of the turn, which may have waited for its predecessor.
          const sending = () => send(batch, deps.clock.now())
          unused = granted - (await (deps.tracing?.inSpan('dispatch method calls', {}, sending) ?? sending()))
          // The others of the batch had been called before, or have disconnected.
          deps.throttles.giveBack(unused)
        } catch (error) {
          // The rows tell which devices were marked; the others are found again.
          for (const { deviceId } of [...batch.others, ...batch.limited]) arrivals.add(deviceId)
          throw error
        } finally {
          marking -= granted
          await ahead
        }
      }
      const isMore = (found.length > 0 || canFind() || limited.isOpen()) && room() > 0
      const held = next !== undefined && unused === 0
      const full = isMore && !held
      // The other turn may have ended for want of room.
      if (full && granted > 0) deps.events.publish('work', 'deviceJobs', {})
      // Without room, the loop is woken when there is some.
      const due = room() > 0 ? later.next() : undefined
      return {
        done: granted,
        full,
        next: [limited.next(), due, jobByJob.next(), marksByJob.next()].reduce(earlier, next),
      }
    },
    close() {
      for (const stop of stopListening) stop()
      limited.stop()
    },
  }
}

/** Where to begin: behind the waves whose devices were looked for, and not before the first that has waiting devices. */
const startOf = (known: number | null, firstWave: number): WavePlace => ({
  wave: Math.max(known === null ? firstWave : known + 1, firstWave),
  deviceId: '',
})
