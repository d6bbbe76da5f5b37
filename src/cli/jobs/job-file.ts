import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type {
  AbortRuleInput,
  DisruptionBudgetInput,
  GateInput,
  JobLabelInput,
  JobOverlapPolicy,
  JobRolloutInput,
  JobTargets,
  RampInput,
  RetryPolicyInput,
  WaveInput,
  WindowInput,
} from '../../generated/commands/graphql.ts'
import { HubRefusedError } from '../hub-errors.ts'
import { inexact, isJsonObject, type JsonObject } from '../options.ts'
import { UsageError } from '../usage-error.ts'
import type { JobDefinition } from './definition.ts'
import { overlapPolicies } from './overlap-option.ts'
import { jobTargets } from './targets-option.ts'

/** The job of a file. Its ID makes applying the file twice the same as once. */
export type FiledJob = JobDefinition & { readonly jobId: string }

/**
 * The jobs in a file of YAML or JSON, one for each YAML document; `-` is standard input. Throws a UsageError that names the
 * file, the document and the member when the file cannot be read or a job is not valid.
 */
export async function readJobFile(file: string): Promise<readonly FiledJob[]> {
  const { parseAllDocuments } = await import('yaml')
  const documents = parseAllDocuments(await textOf(file), { intAsBigInt: true })
  if (!Array.isArray(documents) || documents.length === 0) throw new UsageError(`${file} has no job.`)
  return documents.map((document, index) => {
    const [error] = document.errors
    const place = placeOf(file, index, documents.length)
    if (error !== undefined) throw new UsageError(`${place} is not YAML or JSON: ${error.message.split('\n')[0]}`)
    return jobIn(storable(document.toJS(), place), place)
  })
}

/** Where a job of so many is in the file, in words. */
const placeOf = (file: string, index: number, jobs: number): string =>
  jobs === 1 ? file : `${file}, document ${index + 1}`

/** Runs the work for a job of a file. A refusal of the hub then names the place of the value in the file. */
export async function inFile<Result>(
  file: string,
  { index, jobs }: { readonly index: number; readonly jobs: number },
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof HubRefusedError) || error.path.length === 0) throw error
    const path = error.path.map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`)).join('')
    const message = `${placeOf(file, index, jobs)}: ${path.slice(1)}: ${error.message}`
    throw new HubRefusedError(error.code, message, error.path)
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : await readFile(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`)
  }
}

/** The value with its integers as numbers. UsageError when it has one that the hub cannot store. */
function storable(value: unknown, place: string): unknown {
  if (typeof value === 'bigint') {
    if (String(Number(value)) !== String(value)) throw new UsageError(`${place}: ${inexact(String(value))}`)
    return Number(value)
  }
  if (typeof value === 'number' && !Number.isFinite(value)) throw new UsageError(`${place}: ${inexact(String(value))}`)
  if (Array.isArray(value)) return value.map((item) => storable(item, place))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, storable(member, place)]))
}

/** The members of objects, by the types that a job file checks itself. The hub checks the values. */
const shapes = {
  job: {
    jobId: 'string',
    queryCondition: 'string',
    startTime: 'string',
    maxExecutionTimeInSeconds: 'number',
    expect: 'object',
    name: 'string',
    description: 'string',
    labels: 'list',
    targets: 'string',
    onOverlap: 'string',
    rollout: 'object',
    cloudToDeviceMethod: 'object',
    updateTwin: 'object',
    skipCompliant: 'boolean',
  },
  label: { name: 'string', value: 'string' },
  rollout: {
    maxPerMinute: 'number',
    ramp: 'object',
    maxConcurrent: 'number',
    approval: 'boolean',
    budget: 'object',
    waves: 'list',
    window: 'object',
    retry: 'object',
    abort: 'list',
  },
  wave: { devices: 'number', percent: 'number', queryCondition: 'string', gate: 'object' },
  gate: { succeededPercent: 'number', soakSeconds: 'number', approval: 'boolean', onFailure: 'string' },
  window: { days: 'list', from: 'string', to: 'string', timeZone: 'string', timeZoneFrom: 'string' },
  retry: {
    maxAttempts: 'number',
    on: 'list',
    backoffSeconds: 'number',
    factor: 'number',
    maxBackoffSeconds: 'number',
  },
  ramp: { from: 'number', factor: 'number', afterSucceeded: 'number' },
  budget: { groupBy: 'string', maxConcurrent: 'number' },
  rule: {
    on: 'list',
    errorCode: 'string',
    responseStatus: 'number',
    percent: 'number',
    afterDevices: 'number',
    action: 'string',
  },
  expect: { maxDevices: 'number', fingerprint: 'string' },
  cloudToDeviceMethod: {
    methodName: 'string',
    payload: 'any',
    responseTimeoutInSeconds: 'number',
    connectTimeoutInSeconds: 'number',
  },
  updateTwin: { tags: 'object', properties: 'object' },
  properties: { desired: 'object' },
} as const

function jobIn(value: unknown, place: string): FiledJob {
  const job = checked(value, 'job', place)
  const jobId = job.jobId
  const queryCondition = job.queryCondition
  if (typeof jobId !== 'string') throw new UsageError(`${place}: jobId is missing.`)
  if (typeof queryCondition !== 'string')
    throw new UsageError(`${place}: queryCondition is missing. "*" is all devices.`)
  const common = {
    jobId,
    queryCondition,
    ...(typeof job.startTime === 'string' && { startTime: job.startTime }),
    ...(typeof job.maxExecutionTimeInSeconds === 'number' && {
      maxExecutionTimeInSeconds: job.maxExecutionTimeInSeconds,
    }),
    ...(typeof job.name === 'string' && { name: job.name }),
    ...(typeof job.description === 'string' && { description: job.description }),
    ...(Array.isArray(job.labels) && { labels: job.labels.map((label) => labelIn(label, place)) }),
    ...(job.targets !== undefined && { targets: targetsIn(job.targets, place) }),
    ...(job.onOverlap !== undefined && { onOverlap: onOverlapIn(job.onOverlap, place) }),
    ...(job.rollout !== undefined && { rollout: rolloutIn(job.rollout, place) }),
    ...(job.expect !== undefined && { expect: checked(job.expect, 'expect', place) }),
  }
  if ((job.cloudToDeviceMethod === undefined) === (job.updateTwin === undefined)) {
    throw new UsageError(`${place}: give either cloudToDeviceMethod or updateTwin.`)
  }
  if (job.cloudToDeviceMethod !== undefined) {
    const { methodName, ...method } = checked(job.cloudToDeviceMethod, 'cloudToDeviceMethod', place)
    if (job.skipCompliant === true) throw new UsageError(`${place}: only a twin update has skipCompliant.`)
    if (typeof methodName !== 'string') throw new UsageError(`${place}: cloudToDeviceMethod.methodName is missing.`)
    return { ...common, cloudToDeviceMethod: { ...method, methodName } }
  }
  const updateTwin = checked(job.updateTwin, 'updateTwin', place)
  if (updateTwin.properties !== undefined) checked(updateTwin.properties, 'properties', place)
  return {
    ...common,
    updateTwin,
    ...(typeof job.skipCompliant === 'boolean' && { skipCompliant: job.skipCompliant }),
  }
}

function labelIn(value: unknown, place: string): JobLabelInput {
  const { name, value: text } = checked(value, 'label', place)
  if (typeof name === 'string' && typeof text === 'string') return { name, value: text }
  throw new UsageError(`${place}: a label needs a name and a value.`)
}

function targetsIn(value: unknown, place: string): JobTargets {
  const known = jobTargets.find((name) => name === value)
  if (known !== undefined) return known
  throw new UsageError(`${place}: targets is ${jobTargets.join(' or ')}.`)
}

function onOverlapIn(value: unknown, place: string): JobOverlapPolicy {
  const known = overlapPolicies.find((name) => name === value)
  if (known !== undefined) return known
  throw new UsageError(`${place}: onOverlap is ${overlapPolicies.join(' or ')}.`)
}

function rolloutIn(value: unknown, place: string): JobRolloutInput {
  const { abort, approval, retry, waves, window, maxPerMinute, ramp, maxConcurrent, budget } = checked(
    value,
    'rollout',
    place,
  )
  return {
    ...(typeof maxPerMinute === 'number' && { maxPerMinute }),
    ...(typeof maxConcurrent === 'number' && { maxConcurrent }),
    ...(typeof approval === 'boolean' && { approval }),
    ...(Array.isArray(waves) && { waves: waves.map((wave) => waveIn(wave, place)) }),
    ...(window !== undefined && { window: windowIn(window, place) }),
    ...(retry !== undefined && { retry: retryIn(retry, place) }),
    ...(ramp !== undefined && { ramp: rampIn(ramp, place) }),
    ...(budget !== undefined && { budget: budgetIn(budget, place) }),
    ...(Array.isArray(abort) && { abort: abort.map((rule) => ruleIn(rule, place)) }),
  }
}

function waveIn(value: unknown, place: string): WaveInput {
  const { gate, ...size } = checked(value, 'wave', place)
  return { ...size, ...(gate !== undefined && { gate: gateIn(gate, place) }) }
}

function gateIn(value: unknown, place: string): GateInput {
  const { onFailure, ...gate } = checked(value, 'gate', place)
  if (onFailure === undefined) return gate
  if (onFailure === 'PAUSE' || onFailure === 'CANCEL') return { ...gate, onFailure }
  throw new UsageError(`${place}: a gate that fails has the action PAUSE or CANCEL.`)
}

const daysOfWeek = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'] as const

function windowIn(value: unknown, place: string): WindowInput {
  const { days, from, to, timeZone, timeZoneFrom } = checked(value, 'window', place)
  if (typeof from !== 'string' || typeof to !== 'string') throw new UsageError(`${place}: a window needs from and to.`)
  return {
    ...(Array.isArray(days) && { days: days.map((day: unknown) => dayIn(day, place)) }),
    from,
    to,
    ...(typeof timeZone === 'string' && { timeZone }),
    ...(typeof timeZoneFrom === 'string' && { timeZoneFrom }),
  }
}

function dayIn(value: unknown, place: string): (typeof daysOfWeek)[number] {
  const day = daysOfWeek.find((name) => name === value)
  if (day !== undefined) return day
  throw new UsageError(`${place}: the days of a window are some of ${daysOfWeek.join(', ')}.`)
}

/** YAML has `503` as a number. */
function retryIn(value: unknown, place: string): RetryPolicyInput {
  const { maxAttempts, on, ...waits } = checked(value, 'retry', place)
  if (typeof maxAttempts !== 'number' || !Array.isArray(on)) {
    throw new UsageError(`${place}: a retry policy needs maxAttempts and on.`)
  }
  return { ...waits, maxAttempts, on: on.map((cause: unknown) => causeIn(cause, place)) }
}

function causeIn(cause: unknown, place: string): string {
  if (typeof cause === 'string' || typeof cause === 'number') return String(cause)
  throw new UsageError(`${place}: a call is repeated after error codes and response statuses.`)
}

function rampIn(value: unknown, place: string): RampInput {
  const { from, factor, afterSucceeded } = checked(value, 'ramp', place)
  if (typeof from !== 'number' || typeof afterSucceeded !== 'number') {
    throw new UsageError(`${place}: a ramp needs from and afterSucceeded.`)
  }
  return { from, ...(typeof factor === 'number' && { factor }), afterSucceeded }
}

function budgetIn(value: unknown, place: string): DisruptionBudgetInput {
  const { groupBy, maxConcurrent } = checked(value, 'budget', place)
  if (typeof groupBy === 'string' && typeof maxConcurrent === 'number') return { groupBy, maxConcurrent }
  throw new UsageError(`${place}: a budget needs groupBy and maxConcurrent.`)
}

function ruleIn(value: unknown, place: string): AbortRuleInput {
  const { on, errorCode, responseStatus, percent, afterDevices, action } = checked(value, 'rule', place)
  const results = Array.isArray(on) ? on : undefined
  if (results && !results.every((result) => result === 'FAILED' || result === 'REFUSED' || result === 'TIMED_OUT')) {
    throw new UsageError(`${place}: a rule counts FAILED, REFUSED or TIMED_OUT.`)
  }
  if (action !== 'PAUSE' && action !== 'CANCEL')
    throw new UsageError(`${place}: a rule has the action PAUSE or CANCEL.`)
  if (typeof percent !== 'number') throw new UsageError(`${place}: a rule needs a percent.`)
  return {
    ...(results && { on: results }),
    ...(typeof errorCode === 'string' && { errorCode }),
    ...(typeof responseStatus === 'number' && { responseStatus }),
    percent,
    ...(typeof afterDevices === 'number' && { afterDevices }),
    action,
  }
}

/** The object, after its members were checked. */
function checked(value: unknown, name: keyof typeof shapes, place: string): JsonObject {
  if (!isJsonObject(value)) throw new UsageError(`${place}: ${name} is not an object.`)
  const members = new Map<string, string>(Object.entries(shapes[name]))
  for (const [member, content] of Object.entries(value)) {
    const type = members.get(member)
    if (type === undefined) {
      throw new UsageError(
        `${place}: ${name} has the unknown member ${member}. Known: ${[...members.keys()].join(', ')}.`,
      )
    }
    const fits = type === 'any' || isOfType(content, type)
    if (!fits) throw new UsageError(`${place}: ${member} is not ${type === 'object' ? 'an object' : `a ${type}`}.`)
  }
  return value
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'object') return isJsonObject(value)
  return type === 'list' ? Array.isArray(value) : typeof value === type
}
