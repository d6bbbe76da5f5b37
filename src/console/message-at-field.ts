import { showTimes } from './format.ts'

/** A message as a sentence: for conditions, the hub's messages are fragments such as `unexpected end (line 1, column 9)`. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
}

/** A message of the hub at a field, which has a label instead of the name of the API: `This must be a whole number from 1 to 1000000.` */
export function messageAtField(message: string, name: string | undefined): string {
  const hasName = name !== undefined && message.startsWith(`${name} `)
  return sentence(showTimes(hasName ? `This${message.slice(name.length)}` : message))
}
