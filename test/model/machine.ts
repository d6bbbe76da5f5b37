import type { AbortRule } from '../../src/job/abort-rules.ts'
import type { Gate } from '../../src/job/waves.ts'
import { type Interval, isKnownZone, opensBetween, openTimesIn } from './clocks.ts'
import type { Device, Fleet } from './fleet.ts'
import type { JobCommand, JobPlan, Limits, Reply } from './sequence.ts'

/** Milliseconds by which the clocks of two instances may differ. */
const clockTolerance = 2_000

// The controls of a job as docs/job-states.md and docs/graphql.md describe them, with nothing of the engine: one job in memory,
// whose duties are done when they are told to. It sees the other jobs of its sequence only where one gives way to another. Where the documents leave a choice (which devices have their turn first), the hub
// chooses, and the machine says whether it may.

export type Result = 'pending' | 'running' | 'succeeded' | 'refused' | 'failed' | 'cancelled'

/** The choice of the hub is not allowed. */
export class NotAllowed extends Error {}

/** What clients see of a job. */
export type Picture = {
  readonly status: string
  readonly hasEnded: boolean
  readonly openWave: number | null
  readonly counts: Readonly<Record<string, number>>
  /** By the number of the device; null for one that the job does not have. */
  readonly devices: readonly (string | null)[]
  readonly waves: readonly Readonly<Record<string, number>>[]
  readonly history: readonly string[]
}

type DeviceJob = {
  readonly device: Device
  isTarget: boolean
  /** Null without waves. */
  wave: number | null
  result: Result
  code: string | null
  /** When its call times out. */
  deadline: number
  isSkipped: boolean
  /** Its attempts that were repeated, or will be, and how the last of them ended. */
  attempts: number
  lastEnd: End | null
  /** When its next attempt may begin. */
  notBefore: number
}

/** The end of a device job. */
type End = { readonly deviceJob: DeviceJob; readonly result: Result; readonly code?: string; readonly status?: number }

type WaveState = { reachedAt: number | null; waitsForApproval: boolean; hasFailed: boolean }

const hundredths = (percent: number): number => Math.round(percent * 100)
const second = 1_000
const minute = 60 * second
const day = 24 * 60 * minute
/** Milliseconds within which a device joins a continuous job: a job looks for devices once per second. */
const joinTime = 1_100

/** What a job that gives way asks of another one. */
export type OtherJob = {
  /** Whether it has an open device job of one of these devices; of all devices without. */
  isOpenOn(numbers?: readonly number[]): boolean
  /** Whether it may run between two moments on one of these devices. */
  mayRunOn(numbers: readonly number[], from: number, to: number): boolean
}

/** Where a job runs: beside the other jobs of its sequence, in the order of their ids. The clocks of windows are looked at around `begins`. */
export type Surroundings = {
  readonly fleet: Fleet
  readonly begins: number
  readonly others: () => readonly OtherJob[]
}

export function createMachine(plan: JobPlan, createdAt: number, { fleet, begins, others }: Surroundings) {
  const { type, rules, waves, targets: selection, window, retry, onOverlap } = plan
  const isMethod = type === 'method'
  const startTime = createdAt + plan.startsAfter * 1000
  let seconds = plan.maxExecutionTime
  let limits: Limits = {
    maxPerMinute: plan.maxPerMinute,
    ramp: plan.ramp,
    maxConcurrent: plan.maxConcurrent,
    budget: plan.budget,
  }
  let status = plan.needsApproval ? 'waitingForApproval' : plan.startsAfter > 0 ? 'scheduled' : 'queued'
  let selectedAt: number | undefined
  let startedAt: number | undefined
  /** Whether it has ever waited for another job, and does so since it was due. */
  let hasWaited = false
  let waits = false
  /** Since when no job is in the way of the one that waits. */
  let freeSince: number | undefined
  let hasEnded = false
  /** Since when devices may join a continuous job. */
  let runsSince = 0
  /** The day of the last event, when that is of devices that joined. */
  let joinDay: number | null = null
  let openWave: number | null = null
  const waveStates: WaveState[] = (waves ?? []).map(() => ({
    reachedAt: null,
    waitsForApproval: false,
    hasFailed: false,
  }))
  const deviceJobs = fleet.devices.map(
    (device): DeviceJob => ({
      device,
      isTarget: false,
      wave: null,
      result: 'pending',
      isSkipped: false,
      code: null,
      deadline: 0,
      attempts: 0,
      lastEnd: null,
      notBefore: 0,
    }),
  )
  const history: string[] = ['scheduled']
  /** Device jobs that have ended, in order, except those that a client has cancelled. */
  const ends: End[] = []
  /** How many of them the rules do not count, because the job was resumed after them. */
  let judgedFrom = 0
  /** Until when the devices that had their turn have used up the rate, in microseconds. */
  let ratePaidUntil = Number.NEGATIVE_INFINITY
  /** When devices had their turn since the rate was set. */
  let turns: number[] = []
  /** When the connect timeout began. */
  let connectBegin = 0

  const targets = (): DeviceJob[] => deviceJobs.filter(({ isTarget }) => isTarget)
  const having = (...results: readonly Result[]): DeviceJob[] =>
    targets().filter(({ result }) => results.includes(result))
  const deviceJobAt = (number: number): DeviceJob => {
    const deviceJob = deviceJobs[number % deviceJobs.length]
    if (deviceJob === undefined) throw new RangeError('A sequence has devices.')
    return deviceJob
  }
  const hasStarted = (): boolean => startedAt !== undefined
  const deadline = (): number => startTime + seconds * 1000
  const isInOpenWave = ({ wave }: DeviceJob): boolean => wave === null || (openWave !== null && wave <= openWave)
  const hasLaterWave = (): boolean => waves !== null && openWave !== null && openWave < waves.length
  const gateOf = (wave: number): Gate => waves?.[wave - 1]?.gate ?? { onFailure: 'pause' }
  const stateOf = (wave: number): WaveState => {
    const state = waveStates[wave - 1]
    if (state === undefined) throw new RangeError(`There is no wave ${wave}.`)
    return state
  }

  const note = (event: string): void => {
    history.push(event)
    joinDay = null
  }

  /** When calls may begin by the clocks of a zone. */
  const openingsIn = new Map<string, readonly Interval[]>()
  /** When calls may begin by the clocks that count for a device; null for at any time. */
  const openingsOf = ({ timeZone: named }: Device): readonly Interval[] | null => {
    if (window === null) return null
    const isNamed = window.timeZoneFrom !== undefined && named !== null && isKnownZone(named)
    const zone = isNamed ? named : window.timeZone
    if (zone === undefined) return []
    const longestCall = isMethod ? plan.responseTimeout * 1000 : 0
    const openings = openingsIn.get(zone) ?? openTimesIn(zone, window, { moment: begins, longestCall })
    openingsIn.set(zone, openings)
    return openings
  }
  /** When the window of a device was opened that is open now; undefined when it is closed. */
  const openedAt = (device: Device, now: number): number | undefined => {
    const openings = openingsOf(device)
    return openings === null
      ? Number.NEGATIVE_INFINITY
      : openings.find(({ opens, closes }) => opens <= now && now < closes)?.opens
  }

  /** A device that was called ends as its last attempt did, another one with this result. */
  const endWaiting = (result: Result): void => {
    for (const deviceJob of having('pending')) {
      if (deviceJob.lastEnd === null) {
        deviceJob.result = result
        continue
      }
      deviceJob.result = deviceJob.lastEnd.result
      deviceJob.code = deviceJob.lastEnd.code ?? null
      deviceJob.attempts--
      deviceJob.lastEnd = null
    }
  }

  /** The end of the job: what is still open has failed. */
  const end = (): void => {
    hasEnded = true
    endWaiting('failed')
    for (const deviceJob of having('running')) deviceJob.result = 'failed'
  }

  /** It ends when no call is in progress: at once, or, where a rule cancels it, in a change of its own. */
  const cancel = (by: 'client' | 'gate' | 'rule'): void => {
    status = 'cancelled'
    note('cancelled')
    endWaiting('cancelled')
    if (by !== 'rule' && having('running').length === 0) end()
  }

  const pause = (): void => {
    status = 'paused'
    note('paused')
  }

  const counts = (rule: AbortRule, { result, code, status: answered }: End): boolean => {
    if (rule.errorCode !== undefined) return code === rule.errorCode
    if (rule.responseStatus !== undefined) return answered === rule.responseStatus
    return (
      (rule.on.includes('failed') && result === 'failed') ||
      (rule.on.includes('refused') && result === 'refused') ||
      (rule.on.includes('timedOut') && code === 'GatewayTimeout')
    )
  }

  const applyRules = (): void => {
    if (status !== 'running' || having('pending').length === 0) return
    const counted = ends.slice(judgedFrom)
    const crossed = rules.filter((rule) => {
      const matched = counted.filter((end) => counts(rule, end)).length
      return (
        counted.length >= rule.afterDevices &&
        matched > 0 &&
        matched * 10_000 >= hundredths(rule.percent) * counted.length
      )
    })
    if (crossed.length === 0) return
    if (crossed.some(({ action }) => action === 'cancel')) cancel('rule')
    else pause()
  }

  /** Milliseconds after which a call is repeated that ends so; undefined when it is not. */
  const backOffOf = ({ deviceJob, code, status: answered }: End, now: number): number | undefined => {
    if (retry === null || deviceJob.result !== 'running' || !['running', 'paused'].includes(status)) return undefined
    const number = deviceJob.attempts + 1
    if (number >= retry.maxAttempts || !retry.on.includes(code ?? String(answered))) return undefined
    const wait = 1000 * Math.min(retry.backoffSeconds * retry.factor ** (number - 1), retry.maxBackoffSeconds)
    return now + wait < deadline() ? wait : undefined
  }

  /** One change of the counters of the job. Calls that are repeated do not end. */
  const settle = (changes: readonly End[], now: number): boolean => {
    if (hasEnded || changes.length === 0) return false
    const wasWaiting = having('pending').length > 0
    const final = changes.filter((change) => {
      const backOff = backOffOf(change, now)
      if (backOff === undefined) return true
      const { deviceJob } = change
      deviceJob.result = 'pending'
      deviceJob.attempts++
      deviceJob.lastEnd = change
      deviceJob.notBefore = now + backOff
      return false
    })
    // A threshold that was crossed while no device waited holds for those that wait again, before the others end.
    if (!wasWaiting) applyRules()
    for (const change of final) {
      change.deviceJob.result = change.result
      change.deviceJob.code = change.code ?? null
      ends.push(change)
    }
    if (final.length > 0) applyRules()
    return true
  }

  const failed =
    (code: string) =>
    (deviceJob: DeviceJob): End => ({ deviceJob, result: 'failed', code })

  const openNext = (now: number): void => {
    if (waves === null) return
    const hasDevices = (wave: number): boolean => targets().some((deviceJob) => deviceJob.wave === wave)
    const later = waves.map((_, index) => index + 1).filter((wave) => wave > (openWave ?? 0) && hasDevices(wave))
    const [next] = later
    openWave = next === undefined || later.length === 1 ? waves.length : next
    connectBegin = now
  }

  const failGate = (wave: number): void => {
    stateOf(wave).hasFailed = true
    if (gateOf(wave).onFailure === 'cancel') cancel('gate')
    else pause()
  }

  /** One step of the gate of the last open wave; false when it waits. */
  const judgeGate = (now: number): boolean => {
    if (status !== 'running' || openWave === null || !hasLaterWave()) return false
    const state = stateOf(openWave)
    const { succeededPercent, soakSeconds = 0, approval = false } = gateOf(openWave)
    if (state.waitsForApproval || state.hasFailed) return false
    if (state.reachedAt === null) {
      const ofWave = targets().filter(({ wave, result }) => wave === openWave && result !== 'cancelled')
      const number = (...results: readonly Result[]): number =>
        ofWave.filter(({ result }) => results.includes(result)).length
      const needed = succeededPercent === undefined ? 0 : hundredths(succeededPercent) * ofWave.length
      if (succeededPercent === undefined) {
        if (number('succeeded', 'refused', 'failed') < ofWave.length) return false
      } else {
        if ((ofWave.length - number('refused', 'failed')) * 10_000 < needed) {
          failGate(openWave)
          return true
        }
        if (number('succeeded') * 10_000 < needed) return false
      }
      if (soakSeconds > 0) {
        state.reachedAt = now
        return true
      }
    } else if (now - state.reachedAt < soakSeconds * 1000) return false
    if (approval) {
      state.waitsForApproval = true
      note('gatePassed')
    } else {
      openNext(now)
      note('waveOpened')
    }
    return true
  }

  /** The maximum per minute that holds now; null for none. What was skipped or refused does not raise it. */
  const reachedRate = (): number | null => {
    const { maxPerMinute: most, ramp } = limits
    if (most === null || ramp === null) return most
    const succeeded = having('succeeded').filter(({ isSkipped }) => !isSkipped).length
    const steps = Math.floor(succeeded / ramp.afterSucceeded)
    return Math.min(Math.floor(ramp.from * ramp.factor ** steps), most)
  }
  // The rate: what is saved up after a rest are the devices of one second, at least one.
  const burst = (max: number): number => Math.max(Math.floor(max / 60), 1)
  const interval = (max: number): number => Math.ceil((minute * 1000) / (max - burst(max) + 1))
  const rateBegin = (max: number, now: number): number =>
    Math.max(ratePaidUntil, now * 1000 - burst(max) * interval(max))
  const rateRoom = (now: number): number => {
    const max = reachedRate()
    return max === null
      ? Number.POSITIVE_INFINITY
      : Math.max(Math.floor((now * 1000 - rateBegin(max, now)) / interval(max)), 0)
  }
  const takeTurns = (count: number, now: number): void => {
    const max = reachedRate()
    if (max === null || count === 0) return
    ratePaidUntil = rateBegin(max, now) + count * interval(max)
    for (let turn = 0; turn < count; turn++) turns.push(now)
    const inLastMinute = turns.filter((turn) => turn > now - minute).length
    if (inLastMinute > max) throw new NotAllowed(`${inLastMinute} devices had their turn in a minute, and ${max} may.`)
  }

  const inProgressAt = (site: string | null): number =>
    having('running').filter(({ device }) => device.site === site).length

  /** Why the device may not have its turn now, after so many others that had theirs in the same change; undefined when it may. */
  const obstacle = (deviceJob: DeviceJob, now: number, before = 0): string | undefined => {
    const { device, isTarget, result, wave, notBefore } = deviceJob
    if (status !== 'running') return `the job is ${status}`
    if (!isTarget) return 'it is not a device of the job'
    if (result !== 'pending') return `its device job is ${result}`
    if (!isInOpenWave(deviceJob)) return `its wave ${wave} is not open`
    if (openedAt(device, now) === undefined) return 'its window is closed'
    if (notBefore > now) return 'its next attempt has to wait'
    if (rateRoom(now) < before + 1) return 'the rate leaves no room'
    if (!isMethod) return undefined
    if (!device.isConnected) return 'it is not connected'
    if (limits.maxConcurrent !== null && having('running').length >= limits.maxConcurrent)
      return 'too many calls are in progress'
    if (limits.budget !== null && inProgressAt(device.site) >= limits.budget)
      return `the budget of ${device.site} is used up`
    return undefined
  }

  /** A device that is skipped has nothing to do. */
  const isSkippable = ({ exists, isCompliant }: Device): boolean => plan.skipCompliant && exists && isCompliant

  const requireTurn = (number: number, now: number, before = 0): DeviceJob => {
    const deviceJob = deviceJobAt(number)
    const why = obstacle(deviceJob, now, before)
    if (why !== undefined) throw new NotAllowed(`Device ${number} had its turn, but ${why}.`)
    return deviceJob
  }

  const maySelect = ({ exists, isMember, isCanary }: Device): boolean =>
    exists && isMember && (isCanary || !plan.isForCanaries)

  /** Whether the device is the one that was selected, and not a later one with its id. */
  const isStillThere = ({ exists, createdAt }: Device): boolean =>
    exists && (selection === 'continuous' || createdAt <= (selectedAt ?? 0) + clockTolerance)

  const select = (now: number): void => {
    selectedAt = now
    for (const deviceJob of deviceJobs) deviceJob.isTarget = maySelect(deviceJob.device)
  }

  const numbersOf = (some: readonly { readonly device: Device }[]): number[] => some.map(({ device }) => device.number)

  /** The numbers of the devices that it has, or would have if it selected them now. */
  const wanted = (): number[] =>
    numbersOf(selectedAt !== undefined ? targets() : deviceJobs.filter(({ device }) => maySelect(device)))

  const isInTheWay = (): boolean => {
    const numbers = wanted()
    return others().some((other) => other.isOpenOn(numbers))
  }

  /**
   * Whether it waits for another job, or goes on waiting. It looks at least once per minute, and at once when no other job is open. The
   * hub chooses when it looks before that.
   */
  const mustWait = (now: number, isStarted: boolean): boolean => {
    if (isInTheWay()) {
      if (isStarted) throw new NotAllowed('It has started beside a job that is in its way.')
      waits = true
      freeSince = undefined
      return true
    }
    if (!waits || isStarted || !others().some((other) => other.isOpenOn())) return false
    freeSince ??= now
    if (freeSince + minute <= now) throw new NotAllowed('It has waited for a minute although no job is in its way.')
    return true
  }

  /** The sizes of the waves, by the number of devices of the job. */
  const checkPlacement = (): void => {
    if (waves === null) {
      if (targets().some(({ wave }) => wave !== null))
        throw new NotAllowed('The job has no waves, but its devices have.')
      return
    }
    const all = targets()
    const byCondition = waves.findIndex((wave) => 'queryCondition' in wave) + 1
    const sampled = byCondition === 0 ? all : all.filter(({ device }) => !device.isCanary)
    let left = sampled.length
    for (const [index, wave] of waves.entries()) {
      const inWave = all.filter(({ wave: placed }) => placed === index + 1).length
      const wanted =
        'devices' in wave
          ? wave.devices
          : 'percent' in wave
            ? Math.ceil((hundredths(wave.percent) * all.length) / 10_000)
            : 'queryCondition' in wave
              ? 0
              : left
      const filled = Math.min(wanted, left)
      left -= filled
      const expected = 'queryCondition' in wave ? (index + 1 === byCondition ? all.length - sampled.length : 0) : filled
      if (inWave !== expected) throw new NotAllowed(`Wave ${index + 1} has ${inWave} devices instead of ${expected}.`)
    }
  }

  const conflict = 'ConflictError'
  const invalid = 'InvalidInputError'
  const isOpen = (): boolean => !['completed', 'failed', 'cancelled'].includes(status)

  /** The gate that waits for an approval; what is wrong, when it is not that of the wave. */
  const decide = (given: number | null): { readonly wave: number } | 'job' | 'ConflictError' => {
    if (waves === null || status !== 'running') return given === null ? 'job' : conflict
    if (openWave === null || !hasLaterWave()) return conflict
    const { waitsForApproval, hasFailed } = stateOf(openWave)
    if (!gateOf(openWave).approval || !(waitsForApproval || hasFailed)) return conflict
    return given === null || given === openWave + 1 ? { wave: openWave } : conflict
  }

  const cancelDevices = (part: readonly DeviceJob[]): string => {
    const waiting = part.filter(({ result }) => result === 'pending')
    const underWay = part.filter(({ result }) => result === 'running').length
    for (const deviceJob of waiting) deviceJob.result = 'cancelled'
    if (waiting.length > 0) note('devicesCancelled')
    return `${waiting.length} cancelled, ${underWay} under way`
  }

  /** Whether a client that looks at the job sees that it cannot be commanded so now: it is refused with a conflict. */
  const isVain = (command: JobCommand): boolean => {
    switch (command.kind) {
      case 'pause':
        return !['scheduled', 'queued', 'running'].includes(status)
      case 'resume':
        return status !== 'paused'
      case 'cancel':
      case 'limit':
      case 'extend':
      case 'setTime':
        return !isOpen()
      case 'approve':
      case 'reject': {
        const found = decide(command.wave)
        return found === conflict || (found === 'job' && status !== 'waitingForApproval')
      }
      case 'openWave':
        if (status !== 'running' || openWave === null || !hasLaterWave()) return true
        return command.wave !== openWave + 1 || gateOf(openWave).approval === true
      case 'cancelDevice':
      case 'cancelDevices':
        return !isOpen() || !hasStarted()
      case 'wait':
      case 'answer':
        return false
    }
  }

  const update = (changes: Partial<Limits>): string => {
    const { budget, maxConcurrent } = changes
    if (!isMethod && ((maxConcurrent ?? null) !== null || (budget ?? null) !== null)) return invalid
    if (budget !== undefined && budget !== null && limits.budget === null) return invalid
    const changed = { ...limits, ...changes }
    if (changed.ramp !== null && changed.ramp.from > (changed.maxPerMinute ?? 0)) return invalid
    const before = reachedRate()
    limits = changed
    if (reachedRate() !== before) turns = []
    note('updated')
    return 'ok'
  }

  /** Whether a time of the job is not up before its window opens. */
  const opensWithin = (total: number): boolean =>
    window === null ||
    opensBetween(window, startTime, startTime + total * 1000, isMethod ? plan.responseTimeout * 1000 : 0)

  const setTime = (total: number, now: number): string => {
    if (startTime + total * 1000 <= now) return invalid
    if (total < seconds && !opensWithin(total)) return invalid
    seconds = total
    note('updated')
    return 'ok'
  }

  const tally = (some: readonly DeviceJob[]): Record<string, number> => {
    const number = (...results: readonly Result[]): number =>
      some.filter(({ result }) => results.includes(result)).length
    return {
      deviceCount: some.length,
      pendingCount: number('pending'),
      runningCount: number('running'),
      succeededCount: number('succeeded', 'refused'),
      refusedCount: number('refused'),
      skippedCount: some.filter(({ isSkipped }) => isSkipped).length,
      failedCount: number('failed'),
      cancelledCount: number('cancelled'),
    }
  }

  return {
    /** The result of the request for the job. Nothing else happens to one that is refused. */
    request(): string {
      if (!opensWithin(seconds)) return invalid
      const numbers = numbersOf(deviceJobs.filter(({ device }) => maySelect(device)))
      const isRefused =
        onOverlap === 'refuse' && others().some((other) => other.mayRunOn(numbers, startTime, deadline()))
      return isRefused ? conflict : 'ok'
    },

    // What other jobs ask.
    isOpenOn(numbers?: readonly number[]): boolean {
      if (!hasStarted() || hasEnded) return false
      return having('pending', 'running').some(({ device }) => numbers === undefined || numbers.includes(device.number))
    },
    mayRunOn(numbers: readonly number[], from: number, to: number): boolean {
      if (!isOpen() || from >= deadline() || startTime >= to) return false
      const mine = hasStarted() || selectedAt !== undefined ? numbersOf(having('pending', 'running')) : wanted()
      return numbers.some((number) => mine.includes(number))
    },
    /** Jobs start in this order. */
    order: [startTime, createdAt] as const,

    isVain,

    /** Carries a command of a client out, or says with which error it is refused. */
    command(command: JobCommand, now: number): string {
      if (isVain(command)) return conflict
      switch (command.kind) {
        case 'pause':
          pause()
          return `${having('running').length} under way`
        case 'resume':
          status = hasStarted() ? 'running' : 'scheduled'
          note('resumed')
          judgedFrom = ends.length
          connectBegin = now
          runsSince = now
          waits = false
          freeSince = undefined
          return 'ok'
        case 'cancel':
          cancel('client')
          return 'ok'
        case 'approve':
          if (command.by === 'author') return invalid
          note('approved')
          if (decide(command.wave) === 'job') {
            status = 'scheduled'
            return 'ok'
          }
          openNext(now)
          note('waveOpened')
          return 'ok'
        case 'reject': {
          const found = decide(command.wave)
          note('rejected')
          if (typeof found === 'object') {
            failGate(found.wave)
            return 'ok'
          }
          status = 'cancelled'
          endWaiting('cancelled')
          end()
          return 'ok'
        }
        case 'openWave':
          openNext(now)
          note('waveOpened')
          return 'ok'
        case 'cancelDevice': {
          const deviceJob = deviceJobAt(command.device)
          if (!deviceJob.isTarget) return 'NotFoundError'
          return ['pending', 'running'].includes(deviceJob.result) ? cancelDevices([deviceJob]) : conflict
        }
        case 'cancelDevices':
          return cancelDevices(
            targets().filter(({ device }) => !command.canariesOnly || (device.exists && device.isCanary)),
          )
        case 'limit':
          return update(command.limits)
        case 'extend':
          return setTime(seconds + command.seconds, now)
        case 'setTime':
          return setTime(command.seconds, now)
        case 'wait':
        case 'answer':
          return 'ok'
      }
    },

    /** Answers that arrive together. Those to calls that have ended are too late. */
    answer(replies: readonly Reply[], now: number): void {
      const known = new Set<DeviceJob>()
      settle(
        replies.flatMap(({ device: number, status: answered, isToFirst }): End[] => {
          const deviceJob = deviceJobAt(number)
          const { result, attempts } = deviceJob
          if (result !== 'running' || known.has(deviceJob) || (isToFirst && attempts > 0)) return []
          known.add(deviceJob)
          if (answered === 'malformed') return [failed('BadDeviceResponse')(deviceJob)]
          return [{ deviceJob, result: answered >= 400 ? 'refused' : 'succeeded', status: answered }]
        }),
        now,
      )
    },

    // The duties of the hub. Each returns whether it changed something.

    /** Calls whose deadline has passed, and devices that did not connect in time. */
    expire(now: number): boolean {
      const late = settle(
        having('running')
          .filter(({ deadline }) => deadline <= now)
          .map(failed('GatewayTimeout')),
        now,
      )
      if (status !== 'running' || plan.connectTimeout === 0) return late
      // A device that was called has connected in time.
      const waiting = having('pending').filter((deviceJob) => {
        const opened = openedAt(deviceJob.device, now)
        const { device, attempts } = deviceJob
        if (opened === undefined || device.isConnected || attempts > 0 || !isInOpenWave(deviceJob)) return false
        return now >= Math.max(connectBegin, opened) + plan.connectTimeout * 1000
      })
      return settle(waiting.map(failed('DeviceNotOnline')), now) || late
    },
    /** Of a method job, devices that were deleted. */
    closeDeleted(now: number): boolean {
      if (!isMethod || !hasStarted() || hasEnded) return false
      const gone = (result: Result): End[] =>
        having(result)
          .filter(({ device }) => !device.exists)
          .map(failed('DeviceNotFound'))
      const waiting = ['running', 'paused'].includes(status) && settle(gone('pending'), now)
      return settle(gone('running'), now) || waiting
    },
    /** Whether the job selects its devices before its start, and does so now. `place` has to follow. */
    select(now: number): boolean {
      if (selection !== 'atCreation' || selectedAt !== undefined || hasEnded || deadline() <= now) return false
      select(now)
      note('devicesSelected')
      return true
    },
    /**
     * Whether the job starts now, fails because another one is in the way, or begins to wait. `isStarted`: whether it has on the hub.
     * After a start, `place` has to follow.
     */
    start(now: number, isStarted: boolean): 'starts' | 'moves' | undefined {
      if (status === 'scheduled' && startTime <= now) {
        status = 'queued'
        note('queued')
      }
      if (status !== 'queued' || deadline() <= now) return undefined
      if (onOverlap === 'refuse' && isInTheWay()) {
        status = 'failed'
        note('failed')
        end()
        return 'moves'
      }
      if (onOverlap === 'queue' && mustWait(now, isStarted)) {
        if (hasWaited) return undefined
        hasWaited = true
        note('waiting')
        return 'moves'
      }
      startedAt = now
      connectBegin = now
      runsSince = now
      if (selectedAt === undefined) select(now)
      if (targets().length === 0 && selection !== 'continuous') {
        status = 'completed'
        note('completed')
        end()
      } else {
        status = 'running'
        note('started')
      }
      return 'starts'
    },
    /** The devices that the hub has selected, with their waves. */
    place(placement: ReadonlyMap<number, number | null>, now: number): void {
      const expected = numbersOf(targets())
      const selected = [...placement.keys()].sort((one, other) => one - other)
      if (expected.join() !== selected.join())
        throw new NotAllowed(`Devices ${selected} were selected instead of ${expected}.`)
      for (const [number, wave] of placement) deviceJobAt(number).wave = wave
      checkPlacement()
      if (!hasStarted()) return
      openNext(now)
      const gone = having('pending').filter(({ device }) => !isStillThere(device))
      settle(gone.map(failed('DeviceNotFound')), now)
    },
    /** Devices that the hub has added to the job, together. */
    join(numbers: readonly number[], now: number): boolean {
      if (numbers.length === 0) return false
      const wasWaiting = having('pending').length > 0
      for (const number of numbers) {
        const deviceJob = deviceJobAt(number)
        if (selection !== 'continuous' || status !== 'running' || deviceJob.isTarget || !maySelect(deviceJob.device))
          throw new NotAllowed(`Device ${number} joined the job.`)
        deviceJob.isTarget = true
      }
      const today = Math.floor(now / day)
      if (joinDay !== today) note('devicesJoined')
      joinDay = today
      if (!wasWaiting) applyRules()
      return true
    },
    /** Twins that the hub has patched together. They use the rate that they have reached. */
    patch(numbers: readonly number[], now: number): boolean {
      let paid = 0
      const changes = numbers.map((number): End => {
        const deviceJob = requireTurn(number, now, paid)
        const { device } = deviceJob
        deviceJob.isSkipped = isSkippable(device)
        if (!deviceJob.isSkipped) paid++
        if (!device.exists) return failed('DeviceNotFound')(deviceJob)
        device.isCompliant = true
        return { deviceJob, result: 'succeeded' }
      })
      const isChanged = settle(changes, now)
      takeTurns(paid, now)
      return isChanged
    },
    /** A call that a device has received. */
    call(number: number, now: number): void {
      const deviceJob = requireTurn(number, now)
      takeTurns(1, now)
      deviceJob.result = 'running'
      deviceJob.deadline = now + plan.responseTimeout * 1000
    },
    judge(now: number): boolean {
      let isChanged = false
      while (judgeGate(now)) isChanged = true
      return isChanged
    },
    finish(now: number): boolean {
      if (hasEnded) return false
      const isDone =
        hasStarted() &&
        having('pending', 'running').length === 0 &&
        (selection !== 'continuous' || status === 'cancelled')
      const isLate = status !== 'scheduled' && deadline() <= now
      if (!isDone && !isLate) return false
      if (status === 'cancelled') note('ended')
      else {
        status = hasStarted() ? 'completed' : 'failed'
        note(status)
      }
      end()
      return true
    },

    /**
     * The devices that should have had their turn by now. What is allowed is done at once, but the devices of a second, as a rate
     * saves them up, may wait for each other, and an attempt may be late by a second.
     */
    neglected(now: number): readonly number[] {
      const max = reachedRate()
      if (max !== null && rateRoom(now) < burst(max)) return []
      const isDue = ({ notBefore }: DeviceJob): boolean => notBefore === 0 || notBefore + second <= now
      return numbersOf(deviceJobs.filter((deviceJob) => isDue(deviceJob) && obstacle(deviceJob, now) === undefined))
    },
    /** The devices that should have joined by now: each does so within about a second. */
    missing(now: number): readonly number[] {
      if (selection !== 'continuous' || status !== 'running') return []
      const isDue = ({ changedAt }: Device): boolean => Math.max(changedAt, runsSince) + joinTime <= now
      return numbersOf(deviceJobs.filter(({ device, isTarget }) => !isTarget && maySelect(device) && isDue(device)))
    },

    picture: (): Picture => ({
      status,
      hasEnded,
      openWave,
      counts: tally(targets()),
      devices: deviceJobs.map(({ isTarget, result, isSkipped, attempts }) => {
        if (!isTarget) return null
        return `${isSkipped ? 'skipped' : result}${attempts > 0 ? ` after ${attempts}` : ''}`
      }),
      waves:
        selectedAt !== undefined
          ? (waves ?? []).map((_, index) => tally(targets().filter(({ wave }) => wave === index + 1)))
          : [],
      history,
    }),
  }
}

export type Machine = ReturnType<typeof createMachine>
