import { InvalidArgumentError, Option } from '@commander-js/extra-typings'
import { inexactNumberIn } from '../json/exact-numbers.ts'
import { UsageError } from './usage-error.ts'

// Options whose values have a form. Each begins with its usage, such as '--devices <N>', and its help.

type Bounds = { readonly min: number; readonly max: number }

/** A whole number within bounds, in digits only: Number() would also accept '0x10', '1e3' and ' 7 '. */
export const wholeNumber = <const Usage extends string>(usage: Usage, help: string, { min, max }: Bounds) =>
  new Option(usage, help).argParser((text: string): number =>
    given(numberWithin(text, min, max), `a whole number from ${count(min)} to ${count(max)}`),
  )

/** Whole numbers within bounds, separated by commas. */
export const wholeNumbers = <const Usage extends string>(usage: Usage, help: string, { min, max }: Bounds) =>
  new Option(usage, help).argParser((text: string): readonly number[] => {
    const numbers = text.split(',').map((part) => numberWithin(part, min, max))
    const allowed = `whole numbers from ${count(min)} to ${count(max)}, separated by commas`
    return given(numbers.every((number) => number !== undefined) ? numbers : undefined, allowed)
  })

/** A percentage, with or without the sign: `5`, `2.5%`. */
export const percentage = <const Usage extends string>(usage: Usage, help: string) =>
  new Option(usage, help).argParser((text: string): number => {
    const isNumber = /^\d{1,3}(\.\d{1,6})?%?$/.test(text)
    return given(within(isNumber ? Number.parseFloat(text) : Number.NaN, 0, 100), 'a percentage from 0 to 100')
  })

/** Text that matches a pattern. `allowed` describes the pattern in words. */
export const text = <const Usage extends string>(usage: Usage, help: string, pattern: RegExp, allowed: string) =>
  new Option(usage, help).argParser((value: string): string => given(pattern.test(value) ? value : undefined, allowed))

/** An address with one of these protocols (`http:`). */
export const address = <const Usage extends string>(usage: Usage, help: string, protocols: readonly string[]) =>
  new Option(usage, help).argParser((value: string): string => {
    const isOne = URL.canParse(value) && protocols.includes(new URL(value).protocol)
    const allowed = `an address that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`
    return given(isOne ? value : undefined, allowed)
  })

/** A shared access key in IoT Hub's form. A key that is not valid is a UsageError, which does not show it. */
export const key = (help: string) =>
  new Option('--key <KEY>', help).argParser((value: string): string => {
    if (isKey(value)) return value
    throw new UsageError('--key is not valid (a secret, not shown). It must be base64 of 16 to 64 bytes.')
  })

/** A JSON value. */
export const json = <const Usage extends string>(usage: Usage, help: string) =>
  new Option(usage, help).argParser((value: string): unknown => given(jsonIn(value), 'JSON')?.value)

/** A JSON object. */
export const jsonObject = <const Usage extends string>(usage: Usage, help: string) =>
  new Option(usage, help).argParser((text: string): JsonObject => {
    const value = jsonIn(text)?.value
    return given(isJsonObject(value) ? value : undefined, 'a JSON object')
  })

/** A point in time, as ISO 8601. */
export const time = <const Usage extends string>(usage: Usage, help: string) =>
  text(usage, help, /./, 'a time such as 2026-11-01T00:00:00Z')

/** Words in upper case, separated by commas: `FAILED,REFUSED`. Small letters are accepted. */
export function words<const Usage extends string, const Word extends string>(
  usage: Usage,
  help: string,
  all: readonly Word[],
) {
  const option = new Option(usage, help).argParser((text: string): readonly Word[] => {
    const found = text.split(',').map((part) => all.find((word) => word === part.trim().toUpperCase()))
    const allowed = `one or more of ${all.join(', ')}, separated by commas`
    return given(found.every((word) => word !== undefined) ? found : undefined, allowed)
  })
  // For the help and for completion; the parser above checks the value.
  option.argChoices = [...all]
  return option
}

/** A label of a job. With `value` undefined, any value. */
type Label = { readonly name: string; readonly value?: string }

const labelIn = (text: string): Label => {
  const [name = '', ...rest] = text.split('=')
  return rest.length === 0 ? { name } : { name, value: rest.join('=') }
}

/** A label of a new job, as `team=north`. May be given several times. */
export const labels = <const Usage extends string>(usage: Usage, help: string) =>
  new Option(usage, help).argParser((text: string, before: readonly Required<Label>[] | undefined) => {
    const { name, value } = labelIn(text)
    const label = name === '' || value === undefined ? undefined : { name, value }
    return [...(before ?? []), given(label, 'a name and a value, such as team=north')]
  })

/** A label to look for, as `team=north`, or as `team` for any value. May be given several times. */
export const labelFilter = <const Usage extends string>(usage: Usage, help: string) =>
  new Option(usage, help).argParser((text: string, before: readonly Label[] | undefined) => [
    ...(before ?? []),
    given(
      text.startsWith('=') || text === '' ? undefined : labelIn(text),
      'a name, or a name and a value, such as team=north',
    ),
  ])

/** A condition on devices, in the query language of jobs. */
export const where = (help = 'only devices that meet this condition, such as "tags.building = 43"') =>
  new Option('--where <CONDITION>', help)

export type JsonObject = Readonly<Record<string, unknown>>

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function jsonIn(text: string): { readonly value: unknown } | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const number = inexactNumberIn(text)
  if (number !== undefined) throw new InvalidArgumentError(inexact(number))
  return { value }
}

/** The refusal of a number that the hub would store with other digits, or not at all. */
export const inexact = (number: string): string =>
  `The number ${number} is not one that the hub can store: numbers are IEEE 754 doubles. Write it in quotes, as text.`

/** Whether this is a shared access key. Encoded again and compared, because Buffer ignores characters that are not base64. */
export function isKey(text: string): boolean {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length >= 16 && bytes.length <= 64 && bytes.toString('base64') === text
}

/** The value of an option; when it is not valid, an error that says what is allowed. */
export function given<T>(value: T | undefined, allowed: string): T {
  if (value === undefined) throw new InvalidArgumentError(`It must be ${allowed}.`)
  return value
}

const numberWithin = (text: string, min: number, max: number): number | undefined =>
  within(/^\d{1,10}$/.test(text) ? Number(text) : Number.NaN, min, max)

const within = (number: number, min: number, max: number): number | undefined =>
  number >= min && number <= max ? number : undefined

const count = (number: number): string => number.toLocaleString('en')
