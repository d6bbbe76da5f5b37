import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql'
import type { Right } from '../../../src/access/rights.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { needs } from './table.ts'

/**
 * The shortest operation that uses a field, an argument or a member of an input. In its text, `<device>`, `<global>`
 * and `<job>` stand for the id of a device, its global id, and the id of a job.
 */
export type Operation = {
  /** Its place in the schema: `Device.twin`, `Query.device(deviceId:)`, `UpdateTwinInput.patch`. */
  readonly coordinate: string
  readonly kind: 'query' | 'mutation' | 'subscription'
  readonly text: string
  /** The text with `<selections>` in place of the last field, which is `selection`. */
  readonly frame: string
  readonly selection: string
  /** The rights that it needs by the table: of each list, one. */
  readonly needs: readonly (readonly Right[])[]
}

type Field = GraphQLField<unknown, unknown>
type Step = { readonly parent: string; readonly field: Field }
type Input = GraphQLArgument | GraphQLInputField

/** Values by coordinate, or by name. A mutation must not get far: ids are taken, unknown or impossible. */
const samples: Readonly<Record<string, string>> = {
  'CreateDeviceInput.deviceId': '"/"',
  'OpenWaveInput.jobId': '"no-such-job"',
  'ApproveJobInput.jobId': '"no-such-job"',
  'RejectJobInput.jobId': '"no-such-job"',
  'CancelJobInput.jobId': '"no-such-job"',
  'CancelDeviceJobsInput.jobId': '"no-such-job"',
  'PauseJobInput.jobId': '"no-such-job"',
  'ResumeJobInput.jobId': '"no-such-job"',
  'UpdateJobInput.jobId': '"no-such-job"',
  'RetryJobInput.jobId': '"no-such-job"',
  'CreateJobTemplateInput.templateId': '"/"',
  'ScheduleFromTemplateInput.jobId': '"/"',
  templateId: '"no-such-template"',
  'CreateJobScheduleInput.scheduleId': '"/"',
  scheduleId: '"no-such-schedule"',
  'DeleteDeviceGroupInput.name': '"no-such-group"',
  'SaveDeviceGroupInput.name': '"/"',
  deviceId: '"<device>"',
  id: '"<global>"',
  ids: '["<global>"]',
  jobId: '"<job>"',
  queryCondition: `"deviceId = '<device>'"`,
}

function sampleOf(coordinate: string, { name, type }: Input, forced: string | undefined): string {
  return samples[coordinate] ?? samples[name] ?? sampleOfType(type, forced)
}

function sampleOfType(type: GraphQLInputType, forced: string | undefined): string {
  if (isNonNullType(type)) return sampleOfType(type.ofType, forced)
  if (isListType(type)) return `[${sampleOfType(type.ofType, forced)}]`
  if (isEnumType(type)) return type.getValues()[0]?.name ?? ''
  if (isInputObjectType(type)) {
    const members = Object.values(type.getFields()).flatMap((member) => {
      const coordinate = `${type.name}.${member.name}`
      // An id that is taken keeps jobs from being scheduled.
      const isAlways = isNonNullType(member.type) || (member.name === 'jobId' && type.name.startsWith('Schedule'))
      const leads = forced !== undefined && (coordinate === forced || leadsTo(getNamedType(member.type), forced))
      return isAlways || leads ? [`${member.name}: ${sampleOf(coordinate, member, forced)}`] : []
    })
    return `{ ${members.join(', ')} }`
  }
  if (type.name === 'Int') return '5'
  if (type.name === 'Float') return '0.5'
  if (type.name === 'Boolean') return 'true'
  if (type.name === 'JSON') return '{ a: 1 }'
  if (type.name === 'DateTime') return '"2030-01-01T00:00:00Z"'
  return '"x"'
}

/** Whether an input type contains the member with this coordinate. */
function leadsTo(type: GraphQLNamedType, coordinate: string): boolean {
  if (!isInputObjectType(type)) return false
  return Object.values(type.getFields()).some(
    (member) => `${type.name}.${member.name}` === coordinate || leadsTo(getNamedType(member.type), coordinate),
  )
}

const roots = [
  ['query', schema.getQueryType()],
  ['mutation', schema.getMutationType()],
  ['subscription', schema.getSubscriptionType()],
] as const

type Route = { readonly kind: Operation['kind']; readonly steps: readonly Step[] }

/** The shortest way to the fields of each type, by queries where there is one. */
const routes = new Map<string, Route>()
for (const [kind, root] of roots) {
  if (root === undefined || root === null) throw new Error(`The schema has no ${kind}.`)
  routes.set(root.name, { kind, steps: [] })
  const queue: GraphQLNamedType[] = [root]
  for (const type of queue) {
    const route = routes.get(type.name)
    if (route === undefined || !(isObjectType(type) || isInterfaceType(type))) continue
    for (const field of Object.values(type.getFields())) {
      const target = getNamedType(field.type)
      const next = { kind: route.kind, steps: [...route.steps, { parent: type.name, field }] }
      // `node` would be the shortest way to everything, but says least.
      const types = isUnionType(target) ? schema.getPossibleTypes(target) : isObjectType(target) ? [target] : []
      for (const one of types.flatMap((reached) => [reached, ...reached.getInterfaces()])) {
        if (routes.has(one.name)) continue
        routes.set(one.name, next)
        queue.push(one)
      }
    }
  }
}

const argumentsOf = ({ parent, field }: Step, forced: string | undefined): string => {
  const given = field.args.flatMap((argument) => {
    const coordinate = `${parent}.${field.name}(${argument.name}:)`
    const leads = forced !== undefined && (coordinate === forced || leadsTo(getNamedType(argument.type), forced))
    const isAlways = isNonNullType(argument.type) || (argument.name === 'first' && argument.defaultValue === undefined)
    if (!leads && (!isAlways || (argument.name === 'first' && forced?.endsWith('(last:)')))) return []
    return [`${argument.name}: ${sampleOf(coordinate, argument, forced)}`]
  })
  return given.length === 0 ? '' : `(${given.join(', ')})`
}

function operationTo(coordinate: string, { kind, steps }: Route, last: Step): Operation {
  const all = [...steps, last]
  const inner = isLeafType(getNamedType(last.field.type)) ? '' : ' { __typename }'
  const selection = `${last.field.name}${argumentsOf(last, coordinate)}${inner}`
  const body = steps.reduceRight((below, step, index) => {
    const { parent } = all[index + 1] ?? last
    return `${step.field.name}${argumentsOf(step, coordinate)} { ... on ${parent} { ${below} } }`
  }, '<selections>')
  const frame = `${kind} { ${body} }`
  const text = frame.replace('<selections>', () => selection)
  const used = all.flatMap(({ parent, field }) => [parent, `${parent}.${field.name}`])
  // A condition in the arguments may need a right of its own.
  const byArguments = [coordinate, ...Object.keys(needs).filter((one) => isGiven(one, text, all))]
  return {
    coordinate,
    kind,
    text,
    frame,
    selection,
    needs: [...new Set([...used, ...byArguments])].flatMap((one) => (needs[one] === undefined ? [] : [needs[one]])),
  }
}

/** Whether a coordinate of an argument in the table is among the arguments of the operation. */
const isGiven = (coordinate: string, text: string, steps: readonly Step[]): boolean =>
  steps.some(({ parent, field }) =>
    field.args.some(
      ({ name }) => coordinate === `${parent}.${field.name}(${name}:)` && text.includes(`${field.name}(${name}: `),
    ),
  )

function* operationsOfSchema(): Generator<Operation> {
  const inputs = new Map<string, { readonly route: Route; readonly step: Step }>()
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || !(isObjectType(type) || isInterfaceType(type))) continue
    const route = routes.get(type.name)
    if (route === undefined) throw new Error(`No operation reaches ${type.name}.`)
    for (const field of Object.values(type.getFields())) {
      const step = { parent: type.name, field }
      yield operationTo(`${type.name}.${field.name}`, route, step)
      for (const { name, type: given } of field.args) {
        yield operationTo(`${type.name}.${field.name}(${name}:)`, route, step)
        const queue: GraphQLNamedType[] = [getNamedType(given)]
        for (const input of queue) {
          if (!isInputObjectType(input) || inputs.has(input.name)) continue
          inputs.set(input.name, { route, step })
          queue.push(...Object.values(input.getFields()).map((member) => getNamedType(member.type)))
        }
      }
    }
  }
  for (const [name, { route, step }] of inputs) {
    const input = schema.getType(name)
    if (!isInputObjectType(input)) continue
    for (const member of Object.keys(input.getFields())) yield operationTo(`${name}.${member}`, route, step)
  }
}

/** An operation for each field, argument and member of an input. */
export const operations: readonly Operation[] = [...operationsOfSchema()]

/** The global id of a device. */
export const globalIdOf = (device: string): string => Buffer.from(`Device:${device}`).toString('base64url')

/** The text of an operation about a device and a job. */
export const textFor = ({ text }: Pick<Operation, 'text'>, device: string, job: string): string =>
  text.replaceAll('<device>', device).replaceAll('<global>', globalIdOf(device)).replaceAll('<job>', job)
