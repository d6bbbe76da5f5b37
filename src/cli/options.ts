import type { Option } from './arguments.ts'

type Described<T> = { readonly help: string; readonly placeholder: string; readonly fallback: T }

/** An option without a value. */
export const flag = (help: string): Option<boolean> => ({
  placeholder: undefined,
  help,
  allowed: 'no value',
  fallback: false,
  secret: false,
  read: () => true,
})

/** A whole number within bounds, in digits only: Number() would also accept '0x10', '1e3' and ' 7 '. */
export const wholeNumber = ({
  min,
  max,
  ...described
}: Described<number> & { readonly min: number; readonly max: number }): Option<number> => ({
  ...described,
  allowed: `a whole number from ${count(min)} to ${count(max)}`,
  secret: false,
  read: (text) => numberWithin(text, min, max),
})

/** Whole numbers within bounds, separated by commas; without the option, `undefined`. */
export const wholeNumbers = ({
  min,
  max,
  ...described
}: Omit<Described<undefined>, 'fallback'> & { readonly min: number; readonly max: number }): Option<
  readonly number[] | undefined
> => ({
  ...described,
  allowed: `whole numbers from ${count(min)} to ${count(max)}, separated by commas`,
  fallback: undefined,
  secret: false,
  read(text) {
    const numbers = text.split(',').map((part) => numberWithin(part, min, max))
    return numbers.every((number) => number !== undefined) ? numbers : undefined
  },
})

/** A percentage, with or without the sign: `5`, `2.5%`. */
export const percentage = (help: string): Option<number> => ({
  placeholder: 'P',
  help,
  allowed: 'a percentage from 0 to 100',
  fallback: 0,
  secret: false,
  read: (text) => within(/^\d{1,3}(\.\d{1,6})?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN, 0, 100),
})

/** Text that matches a pattern. `allowed` describes the pattern in words. */
export const text = <T extends string | undefined>({
  pattern,
  ...rest
}: Described<T> & { readonly pattern: RegExp; readonly allowed: string; readonly secret?: boolean }): Option<
  string | T
> => ({ secret: false, ...rest, read: (value) => (pattern.test(value) ? value : undefined) })

/** An address with one of these protocols (`http:`). */
export const address = ({
  protocols,
  ...described
}: Described<string> & { readonly protocols: readonly string[] }): Option<string> => ({
  ...described,
  allowed: `an address that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  secret: false,
  read: (value) => (URL.canParse(value) && protocols.includes(new URL(value).protocol) ? value : undefined),
})

/** A shared access key in IoT Hub's form. */
export const key = (help: string): Option<string | undefined> => ({
  placeholder: 'KEY',
  help,
  allowed: 'base64 of 16 to 64 bytes',
  fallback: undefined,
  secret: true,
  // Encoded again and compared, because Buffer ignores characters that are not base64.
  read(value) {
    const bytes = Buffer.from(value, 'base64')
    return bytes.length >= 16 && bytes.length <= 64 && bytes.toString('base64') === value ? value : undefined
  },
})

const numberWithin = (text: string, min: number, max: number): number | undefined =>
  within(/^\d{1,10}$/.test(text) ? Number(text) : Number.NaN, min, max)

const within = (number: number, min: number, max: number): number | undefined =>
  number >= min && number <= max ? number : undefined

const count = (number: number): string => number.toLocaleString('en')
