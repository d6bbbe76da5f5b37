import type { AbortRule } from '../../src/job/abort-rules.ts'
import type { Gate } from '../../src/job/waves.ts'
import { isKnownZone, opensBetween, openTimesIn } from './clocks.ts'
import type { Command, JobPlan, Limits, Reply } from './sequence.ts'

// The controls of a job as docs/job-states.md and docs/graphql.md describe them, with nothing of the engine: one job in memory,
// whose duties are done when they are told to. Where the documents leave a choice (which devices have their turn first), the hub
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

type Device = {
  readonly number: number
  readonly site: string | null
  readonly isCanary: boolean
  /** The zone that it names. */
  readonly timeZone: string | null
  exists: boolean
  isConnected: boolean
  isTarget: boolean
  /** Null without waves. */
  wave: number | null
  result: Result
  code: string | null
  /** When its call times out. */
  deadline: number
  isMember: boolean
  /** Since when it may meet the condition. */
  changedAt: number
  isCompliant: boolean
  isSkipped: boolean
  /** Its attempts that were repeated, or will be, and how the last of them ended. */
  attempts: number
  lastEnd: End | null
  /** When its next attempt may begin. */
  notBefore: number
}

/** The end of a device job. */
type End = { readonly device: Device; readonly result: Result; readonly code?: string; readonly status?: number }

type WaveState = { reachedAt: number | null; waitsForApproval: boolean; hasFailed: boolean }

const hundredths = (percent: number): number => Math.round(percent * 100)
const second = 1_000
const minute = 60 * second
const day = 24 * 60 * minute
/** Milliseconds within which a device joins a continuous job: a job looks for devices once per second. */
const joinTime = 1_100

export function createMachine(plan: JobPlan, createdAt: number) {
  const { type, rules, waves, targets: selection, window, retry } = plan
  const isMethod = type === 'method'
  const startTime = createdAt + plan.startsAfter * 1000
  let seconds = plan.maxExecutionTime
  let limits: Limits = { maxPerMinute: plan.maxPerMinute, maxConcurrent: plan.maxConcurrent, budget: plan.budget }
  let status = plan.needsApproval ? 'waitingForApproval' : plan.startsAfter > 0 ? 'scheduled' : 'queued'
  let isSelected = false
  let hasStarted = false
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
  const devices: Device[] = plan.devices.map((device, number) => ({
    number,
    site: device.site,
    isCanary: device.isCanary,
    timeZone: device.timeZone,
    exists: device.isRegistered,
    isConnected: device.isRegistered && device.isConnected,
    isMember: device.isMember,
    changedAt: createdAt,
    isCompliant: device.isCompliant,
    isTarget: false,
    wave: null,
    result: 'pending',
    isSkipped: false,
    code: null,
    deadline: 0,
    attempts: 0,
    lastEnd: null,
    notBefore: 0,
  }))
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

  const targets = (): Device[] => devices.filter(({ isTarget }) => isTarget)
  const having = (...results: readonly Result[]): Device[] => targets().filter(({ result }) => results.includes(result))
  const deviceAt = (number: number): Device => {
    const device = devices[number % devices.length]
    if (device === undefined) throw new RangeError('A job has devices.')
    return device
  }
  const isInOpenWave = ({ wave }: Device): boolean => wave === null || (openWave !== null && wave <= openWave)
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

  /** When calls may begin by the clocks that count for a device; null for at any time. */
  const openingsOf = ({ timeZone: named }: Device) => {
    if (window === null) return null
    const isNamed = window.timeZoneFrom !== undefined && named !== null && isKnownZone(named)
    const zone = isNamed ? named : window.timeZone
    const longestCall = isMethod ? plan.responseTimeout * 1000 : 0
    return zone === undefined ? [] : openTimesIn(zone, window, { moment: createdAt, longestCall })
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
    for (const device of having('pending')) {
      if (device.lastEnd === null) {
        device.result = result
        continue
      }
      device.result = device.lastEnd.result
      device.code = device.lastEnd.code ?? null
      device.attempts--
      device.lastEnd = null
    }
  }

  /** The end of the job: what is still open has failed. */
  const end = (): void => {
    hasEnded = true
    endWaiting('failed')
    for (const device of having('running')) device.result = 'failed'
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
  const backOffOf = ({ device, code, status: answered }: End, now: number): number | undefined => {
    if (retry === null || device.result !== 'running' || !['running', 'paused'].includes(status)) return undefined
    const number = device.attempts + 1
    if (number >= retry.maxAttempts || !retry.on.includes(code ?? String(answered))) return undefined
    const wait = 1000 * Math.min(retry.backoffSeconds * retry.factor ** (number - 1), retry.maxBackoffSeconds)
    return now + wait < startTime + seconds * 1000 ? wait : undefined
  }

  /** One change of the counters of the job. Calls that are repeated do not end. */
  const settle = (changes: readonly End[], now: number): boolean => {
    if (hasEnded || changes.length === 0) return false
    const final = changes.filter((change) => {
      const backOff = backOffOf(change, now)
      if (backOff === undefined) return true
      const { device } = change
      device.result = 'pending'
      device.attempts++
      device.lastEnd = change
      device.notBefore = now + backOff
      return false
    })
    for (const change of final) {
      change.device.result = change.result
      change.device.code = change.code ?? null
      ends.push(change)
    }
    if (final.length > 0) applyRules()
    return true
  }

  const failed =
    (code: string) =>
    (device: Device): End => ({ device, result: 'failed', code })

  const openNext = (now: number): void => {
    if (waves === null) return
    const hasDevices = (wave: number): boolean => targets().some((device) => device.wave === wave)
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

  // The rate: what is saved up after a rest are the devices of one second, at least one.
  const burst = (max: number): number => Math.max(Math.floor(max / 60), 1)
  const interval = (max: number): number => Math.ceil((minute * 1000) / (max - burst(max) + 1))
  const rateBegin = (max: number, now: number): number =>
    Math.max(ratePaidUntil, now * 1000 - burst(max) * interval(max))
  const rateRoom = (now: number): number => {
    const { maxPerMinute: max } = limits
    return max === null
      ? Number.POSITIVE_INFINITY
      : Math.max(Math.floor((now * 1000 - rateBegin(max, now)) / interval(max)), 0)
  }
  const takeTurn = (now: number): void => {
    const { maxPerMinute: max } = limits
    if (max === null) return
    ratePaidUntil = rateBegin(max, now) + interval(max)
    turns.push(now)
    const inLastMinute = turns.filter((turn) => turn > now - minute).length
    if (inLastMinute > max) throw new NotAllowed(`${inLastMinute} devices had their turn in a minute, and ${max} may.`)
  }

  const inProgressAt = (site: string | null): number =>
    having('running').filter((device) => device.site === site).length

  /** Why the device may not have its turn now; undefined when it may. */
  const obstacle = (device: Device, now: number): string | undefined => {
    if (status !== 'running') return `the job is ${status}`
    if (!device.isTarget) return 'it is not a device of the job'
    if (device.result !== 'pending') return `its device job is ${device.result}`
    if (!isInOpenWave(device)) return `its wave ${device.wave} is not open`
    if (openedAt(device, now) === undefined) return 'its window is closed'
    if (device.notBefore > now) return 'its next attempt has to wait'
    if (rateRoom(now) < 1) return 'the rate leaves no room'
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

  const takeTurnOf = (number: number, now: number): Device => {
    const device = deviceAt(number)
    const why = obstacle(device, now)
    if (why !== undefined) throw new NotAllowed(`Device ${number} had its turn, but ${why}.`)
    if (!isSkippable(device)) takeTurn(now)
    return device
  }

  const maySelect = ({ exists, isMember }: Device): boolean => exists && isMember

  const select = (): void => {
    isSelected = true
    for (const device of devices) device.isTarget = maySelect(device)
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
    const others = byCondition === 0 ? all : all.filter(({ isCanary }) => !isCanary)
    let left = others.length
    for (const [index, wave] of waves.entries()) {
      const inWave = all.filter((device) => device.wave === index + 1).length
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
      const expected = 'queryCondition' in wave ? (index + 1 === byCondition ? all.length - others.length : 0) : filled
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

  const cancelDevices = (part: readonly Device[]): string => {
    const waiting = part.filter(({ result }) => result === 'pending')
    const underWay = part.filter(({ result }) => result === 'running').length
    for (const device of waiting) device.result = 'cancelled'
    if (waiting.length > 0) note('devicesCancelled')
    return `${waiting.length} cancelled, ${underWay} under way`
  }

  const startedOrConflict = (): string | undefined => (!isOpen() || !hasStarted ? conflict : undefined)

  const update = (changes: Partial<Limits>): string => {
    if (!isOpen()) return conflict
    const { budget, maxConcurrent } = changes
    if (!isMethod && ((maxConcurrent ?? null) !== null || (budget ?? null) !== null)) return invalid
    if (budget !== undefined && budget !== null && limits.budget === null) return invalid
    if (changes.maxPerMinute !== undefined && changes.maxPerMinute !== limits.maxPerMinute) turns = []
    limits = { ...limits, ...changes }
    note('updated')
    return 'ok'
  }

  /** Whether a time of the job is not up before its window opens. */
  const opensWithin = (total: number): boolean =>
    window === null ||
    opensBetween(window, startTime, startTime + total * 1000, isMethod ? plan.responseTimeout * 1000 : 0)

  const setTime = (total: number, now: number): string => {
    if (!isOpen()) return conflict
    if (startTime + total * 1000 <= now) return invalid
    if (total < seconds && !opensWithin(total)) return invalid
    seconds = total
    note('updated')
    return 'ok'
  }

  const tally = (some: readonly Device[]): Record<string, number> => {
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
    /** Whether the job may be requested. Nothing else happens to one that may not. */
    isAllowed: (): boolean => opensWithin(seconds),

    /** Carries a command of a client out, or says with which error it is refused. */
    command(command: Command, now: number): string {
      switch (command.kind) {
        case 'pause': {
          if (!['scheduled', 'queued', 'running'].includes(status)) return conflict
          pause()
          return `${having('running').length} under way`
        }
        case 'resume': {
          if (status !== 'paused') return conflict
          status = hasStarted ? 'running' : 'scheduled'
          note('resumed')
          judgedFrom = ends.length
          connectBegin = now
          runsSince = now
          return 'ok'
        }
        case 'cancel': {
          if (!isOpen()) return conflict
          cancel('client')
          return 'ok'
        }
        case 'approve': {
          const found = decide(command.wave)
          if (found === conflict) return conflict
          if (found === 'job') {
            if (status !== 'waitingForApproval') return conflict
            if (command.by === 'author') return invalid
            status = 'scheduled'
            note('approved')
            return 'ok'
          }
          if (command.by === 'author') return invalid
          note('approved')
          openNext(now)
          note('waveOpened')
          return 'ok'
        }
        case 'reject': {
          const found = decide(command.wave)
          if (found === conflict) return conflict
          if (found === 'job') {
            if (status !== 'waitingForApproval') return conflict
            status = 'cancelled'
            note('rejected')
            endWaiting('cancelled')
            end()
            return 'ok'
          }
          note('rejected')
          failGate(found.wave)
          return 'ok'
        }
        case 'openWave': {
          if (status !== 'running' || openWave === null || !hasLaterWave()) return conflict
          if (command.wave !== openWave + 1 || gateOf(openWave).approval) return conflict
          openNext(now)
          note('waveOpened')
          return 'ok'
        }
        case 'cancelDevice': {
          const device = deviceAt(command.device)
          const refused = startedOrConflict()
          if (refused !== undefined) return refused
          if (!device.isTarget) return 'NotFoundError'
          return ['pending', 'running'].includes(device.result) ? cancelDevices([device]) : conflict
        }
        case 'cancelDevices': {
          const refused = startedOrConflict()
          if (refused !== undefined) return refused
          return cancelDevices(
            targets().filter(({ exists, isCanary }) => !command.canariesOnly || (exists && isCanary)),
          )
        }
        case 'limit':
          return update(command.limits)
        case 'extend':
          return setTime(seconds + command.seconds, now)
        case 'setTime':
          return setTime(command.seconds, now)
        case 'wait':
        case 'answer':
        case 'connect':
        case 'disconnect':
        case 'delete':
        case 'create':
        case 'enter':
        case 'leave':
        case 'drift':
          return 'ok'
      }
    },

    /** Answers that arrive together. Those to calls that have ended are too late. */
    answer(replies: readonly Reply[], now: number): void {
      const known = new Set<Device>()
      settle(
        replies.flatMap(({ device: number, status: answered, isToFirst }): End[] => {
          const device = deviceAt(number)
          if (device.result !== 'running' || known.has(device) || (isToFirst && device.attempts > 0)) return []
          known.add(device)
          if (answered === 'malformed') return [failed('BadDeviceResponse')(device)]
          return [{ device, result: answered >= 400 ? 'refused' : 'succeeded', status: answered }]
        }),
        now,
      )
    },
    connect(number: number, isConnected: boolean): void {
      deviceAt(number).isConnected = isConnected
    },
    /** A new device is as it was planned. */
    register(number: number, exists: boolean, now: number): void {
      const device = deviceAt(number)
      const planned = plan.devices[device.number]
      device.exists = exists
      device.isConnected = false
      device.isMember = planned?.isMember ?? false
      device.isCompliant = planned?.isCompliant ?? false
      device.changedAt = now
    },
    change(number: number, kind: 'enter' | 'leave' | 'drift', now: number): void {
      const device = deviceAt(number)
      if (kind === 'drift') device.isCompliant = false
      else device.isMember = kind === 'enter'
      device.changedAt = now
    },
    exists: (number: number): boolean => deviceAt(number).exists,
    isConnected: (number: number): boolean => deviceAt(number).isConnected,

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
      const waiting = having('pending').filter((device) => {
        const opened = openedAt(device, now)
        if (opened === undefined || device.isConnected || device.attempts > 0 || !isInOpenWave(device)) return false
        return now >= Math.max(connectBegin, opened) + plan.connectTimeout * 1000
      })
      return settle(waiting.map(failed('DeviceNotOnline')), now) || late
    },
    /** Of a method job, devices that were deleted. */
    closeDeleted(now: number): boolean {
      if (!isMethod || !hasStarted || hasEnded) return false
      const gone = (result: Result): End[] =>
        having(result)
          .filter(({ exists }) => !exists)
          .map(failed('DeviceNotFound'))
      const waiting = ['running', 'paused'].includes(status) && settle(gone('pending'), now)
      return settle(gone('running'), now) || waiting
    },
    /** Whether the job selects its devices before its start, and does so now. `place` has to follow. */
    select(now: number): boolean {
      if (selection !== 'atCreation' || isSelected || hasEnded || startTime + seconds * 1000 <= now) return false
      select()
      note('devicesSelected')
      return true
    },
    /** Whether the job starts now. `place` has to follow. */
    start(now: number): boolean {
      if (status === 'scheduled' && startTime <= now) {
        status = 'queued'
        note('queued')
      }
      if (status !== 'queued' || startTime + seconds * 1000 <= now) return false
      hasStarted = true
      connectBegin = now
      runsSince = now
      if (!isSelected) select()
      if (targets().length === 0 && selection !== 'continuous') {
        status = 'completed'
        note('completed')
        end()
      } else {
        status = 'running'
        note('started')
      }
      return true
    },
    /** The devices that the hub has selected, with their waves. */
    place(placement: ReadonlyMap<number, number | null>, now: number): void {
      const expected = targets().map(({ number }) => number)
      const selected = [...placement.keys()].sort((one, other) => one - other)
      if (expected.join() !== selected.join())
        throw new NotAllowed(`Devices ${selected} were selected instead of ${expected}.`)
      for (const [number, wave] of placement) deviceAt(number).wave = wave
      checkPlacement()
      if (!hasStarted) return
      openNext(now)
      const gone = having('pending').filter(({ exists }) => !exists)
      settle(gone.map(failed('DeviceNotFound')), now)
    },
    /** Devices that the hub has added to the job, together. */
    join(numbers: readonly number[], now: number): boolean {
      if (numbers.length === 0) return false
      for (const number of numbers) {
        const device = deviceAt(number)
        if (selection !== 'continuous' || status !== 'running' || device.isTarget || !maySelect(device))
          throw new NotAllowed(`Device ${number} joined the job.`)
        device.isTarget = true
      }
      const today = Math.floor(now / day)
      if (joinDay !== today) note('devicesJoined')
      joinDay = today
      return true
    },
    /** Twins that the hub has patched together. */
    patch(numbers: readonly number[], now: number): boolean {
      return settle(
        numbers.map((number): End => {
          const device = takeTurnOf(number, now)
          if (!device.exists) return failed('DeviceNotFound')(device)
          device.isSkipped = isSkippable(device)
          device.isCompliant = true
          return { device, result: 'succeeded' }
        }),
        now,
      )
    },
    /** A call that a device has received. */
    call(number: number, now: number): void {
      const device = takeTurnOf(number, now)
      device.result = 'running'
      device.deadline = now + plan.responseTimeout * 1000
    },
    judge(now: number): boolean {
      let isChanged = false
      while (judgeGate(now)) isChanged = true
      return isChanged
    },
    finish(now: number): boolean {
      if (hasEnded) return false
      const isDone =
        hasStarted &&
        having('pending', 'running').length === 0 &&
        (selection !== 'continuous' || status === 'cancelled')
      const isLate = status !== 'scheduled' && startTime + seconds * 1000 <= now
      if (!isDone && !isLate) return false
      if (status === 'cancelled') note('ended')
      else {
        status = hasStarted ? 'completed' : 'failed'
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
      const { maxPerMinute: max } = limits
      if (max !== null && rateRoom(now) < burst(max)) return []
      const isDue = ({ notBefore }: Device): boolean => notBefore === 0 || notBefore + second <= now
      return devices
        .filter((device) => isDue(device) && obstacle(device, now) === undefined)
        .map(({ number }) => number)
    },
    /** The devices that should have joined by now: each does so within about a second. */
    missing(now: number): readonly number[] {
      if (selection !== 'continuous' || status !== 'running') return []
      const isDue = ({ changedAt }: Device): boolean => Math.max(changedAt, runsSince) + joinTime <= now
      return devices
        .filter((device) => !device.isTarget && maySelect(device) && isDue(device))
        .map(({ number }) => number)
    },

    picture: (): Picture => ({
      status,
      hasEnded,
      openWave,
      counts: tally(targets()),
      devices: devices.map(({ isTarget, result, isSkipped, attempts }) => {
        if (!isTarget) return null
        return `${isSkipped ? 'skipped' : result}${attempts > 0 ? ` after ${attempts}` : ''}`
      }),
      waves: isSelected
        ? (waves ?? []).map((_, index) => tally(targets().filter(({ wave }) => wave === index + 1)))
        : [],
      history,
    }),
  }
}

export type Machine = ReturnType<typeof createMachine>
